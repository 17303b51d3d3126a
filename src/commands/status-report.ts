import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { styleText } from 'node:util';
import { layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import { parseDuration } from '../model/duration.js';
import { lackOfRoom } from '../state/disk-room.js';
import type { OverviewRow } from '../state/overview.js';
import type { Word } from '../state/status.js';
import { warnOnStderr } from '../state/store.js';
import { ExitError } from './exit.js';
import { ago, onTheClock, span } from './moment.js';
import type { GlobalOptions } from './options.js';
import { seenOverview } from './seen-overview.js';
import { judge, type Verdict } from './status-check.js';
import { table, type Cell } from './table.js';

interface Selection extends GlobalOptions {
  readonly id?: readonly string[] | undefined;
}

/** What `mirror status` was asked. */
export interface StatusOptions extends Selection {
  readonly check: boolean;
  readonly 'max-age'?: string | undefined;
}

/** `mirror status`: a table, or one JSON object. `now` in epoch ms. */
export async function show(options: Selection, now: number): Promise<void> {
  const seen = await seenOverview(options, options.id ?? [], now);
  if (options.json) {
    process.stdout.write(`${jsonText(seen, 2)}\n`);
    return;
  }
  for (const words of seen.unreadable) process.stderr.write(`mirror: ${words}\n`);
  const rows = seen.packages.map((each) => row(each, seen.timezone, now));
  const width = process.stdout.isTTY ? process.stdout.columns : null;
  const trouble = diskTrouble(options);
  if (trouble !== null) warnOnStderr(`${trouble}: what follows may be out of date`);
  process.stdout.write(table(['PACKAGE', 'STATUS', 'LAST SUCCESS', 'ERRORS', 'NOTE'], rows, width));
}

/** `mirror status --check`: prints the plug-in's line and throws its exit code. */
export async function check(options: StatusOptions, now: number): Promise<void> {
  const text = options['max-age'];
  const maxAge = text === undefined ? null : parseDuration(text);
  if (text !== undefined && maxAge === null) {
    throw new ExitError(EXIT.usage, `mirror: --max-age: \`${text}\` is not a duration such as PT36H`);
  }
  answer(await verdictOf(options, maxAge, now), options);
}

/** Answers for a check that was given up because the process of the mirror user did not end. */
export function answerUnknown(options: StatusOptions): void {
  answer({ exit: 3, line: 'MIRROR UNKNOWN - reading the states did not end in time' }, options);
}

function answer(verdict: Verdict, { json }: StatusOptions): void {
  process.stdout.write(
    json ? `${jsonText({ format: 'mirror/status-check/1', ...verdict })}\n` : `${verdict.line}\n`,
  );
  if (verdict.exit !== 0) throw new ExitError(verdict.exit);
}

async function verdictOf(options: Selection, maxAge: number | null, now: number): Promise<Verdict> {
  try {
    const { packages, timezone, unreadable } = await seenOverview(options, options.id ?? [], now);
    const disk = diskTrouble(options);
    const verdict = judge(packages, maxAge, now, disk === null ? unreadable : [disk, ...unreadable]);
    return { ...verdict, line: onTheClock(verdict.line, timezone) };
  } catch (error) {
    // A plug-in that cannot tell says so on stdout with its own code, whatever the reason.
    const reason = (error as Error).message.replace(/^mirror: /, '');
    return { exit: 3, line: `MIRROR UNKNOWN - ${reason}` };
  }
}

/** Why no run could record anything now, or null. */
function diskTrouble({ root }: Selection): string | null {
  const directory = dirname(layout(root).stateFile(''));
  return existsSync(directory) ? lackOfRoom(directory) : null;
}

function row(each: OverviewRow, zone: string, now: number): Cell[] {
  const { run, status } = each;
  const until = millis(run?.until ?? null);
  const notes = [
    status === 'waiting' ? (run?.waits_for ?? null) : each.reason && onTheClock(each.reason, zone),
    ...(status === 'ok' || status === 'incomplete' ? each.omissions.map(({ text }) => text) : []),
    run ? `for ${span(now - Date.parse(run.started))}` : null,
    until !== null && until > now ? `goes on in ${span(until - now)}` : null,
    each.hidden ? 'hidden' : null,
    ...(status === 'unreadable' ? [] : each.unreadable),
  ];
  return [
    { text: each.id },
    { text: status, paint: (text) => paint(status, text) },
    { text: ago(millis(each.last_success), now) },
    { text: String(each.errors) },
    { text: notes.filter((note) => note !== null).join('; ') },
  ];
}

function millis(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}

function paint(word: Word, text: string): string {
  return styleText(COLOUR[word], text, { stream: process.stdout });
}

const COLOUR = {
  ok: 'green',
  syncing: 'cyan',
  waiting: 'cyan',
  'never ran': 'dim',
  disabled: 'dim',
  held: 'yellow',
  incomplete: 'yellow',
  interrupted: 'yellow',
  stopped: 'yellow',
  retrying: 'red',
  stale: 'red',
  unreadable: 'red',
  failed: 'red',
  'timed-out': 'red',
  blocked: 'red',
} as const satisfies Record<Word, string>;
