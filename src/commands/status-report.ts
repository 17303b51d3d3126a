import { styleText } from 'node:util';
import { EXIT } from '../job/outcome.js';
import { parseDuration } from '../model/duration.js';
import type { Published } from '../state/outputs/output.js';
import { published } from '../state/publish.js';
import type { Word } from '../state/status.js';
import { peekState, readHold } from '../state/store.js';
import { appliedSite, selectPackages, type AppliedSite } from './applied-site.js';
import { ExitError } from './exit.js';
import { ago, iso, span } from './moment.js';
import type { GlobalOptions } from './options.js';
import { judge, type Verdict } from './status-check.js';
import { table, type Cell } from './table.js';
import { waitsFor } from './waits-for.js';

interface Selection extends GlobalOptions {
  readonly id?: readonly string[] | undefined;
}

/** What `mirror status` was asked. */
export interface StatusOptions extends Selection {
  readonly check: boolean;
  readonly 'max-age'?: string | undefined;
}

/** `mirror status`: a table, or one JSON object. `now` in epoch ms. */
export function show(options: Selection, now: number): void {
  const applied = appliedSite(options);
  const packages = look(applied, options.id ?? [], now);
  if (options.json) {
    const { mirrorname } = applied.site;
    const rows = packages.map((each) => toJson(each, applied));
    process.stdout.write(
      `${JSON.stringify({ format: 'mirror/status/1', mirrorname, at: iso(now), packages: rows }, null, 2)}\n`,
    );
    return;
  }
  const rows = packages.map((each) => row(each, applied, now));
  const width = process.stdout.isTTY ? process.stdout.columns : null;
  process.stdout.write(table(['PACKAGE', 'STATUS', 'LAST SUCCESS', 'ERRORS', 'NOTE'], rows, width));
}

/** `mirror status --check`: prints the plug-in's line and throws its exit code. */
export function check(options: StatusOptions, now: number): void {
  const text = options['max-age'];
  const maxAge = text === undefined ? null : parseDuration(text);
  if (text !== undefined && maxAge === null) {
    throw new ExitError(EXIT.usage, `mirror: --max-age: \`${text}\` is not a duration such as PT36H`);
  }
  const verdict = verdictOf(options, maxAge, now);
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ format: 'mirror/status-check/1', ...verdict })}\n`
      : `${verdict.line}\n`,
  );
  if (verdict.exit !== 0) throw new ExitError(verdict.exit);
}

function verdictOf(options: Selection, maxAge: number | null, now: number): Verdict {
  try {
    const applied = appliedSite(options);
    return judge(look(applied, options.id ?? [], now), maxAge, now);
  } catch (error) {
    // A plug-in that cannot tell says so on stdout with its own code, whatever the reason.
    const reason = (error as Error).message.replace(/^mirror: /, '');
    return { exit: 3, line: `MIRROR UNKNOWN - ${reason}` };
  }
}

function look({ layout, site }: AppliedSite, ids: readonly string[], now: number): Published[] {
  return selectPackages(site, ids).map((pkg) =>
    published(layout, pkg, peekState(layout, pkg.id), readHold(layout, pkg.id, now), now),
  );
}

function row(each: Published, { layout }: AppliedSite, now: number): Cell[] {
  const { pkg, state, view } = each;
  const notes = [
    view.word === 'waiting' ? waitsFor(layout, pkg.id) : view.reason,
    view.run ? `for ${span(now - view.run.started)}` : null,
    view.run?.until != null && view.run.until > now ? `goes on in ${span(view.run.until - now)}` : null,
    pkg.hidden ? 'hidden' : null,
  ];
  return [
    { text: pkg.id },
    { text: view.word, paint: (text) => paint(view.word, text) },
    { text: ago(state.last_success, now) },
    { text: String(state.errors) },
    { text: notes.filter((note) => note !== null).join('; ') },
  ];
}

function toJson({ pkg, state, view }: Published, { layout }: AppliedSite): object {
  const { last } = state;
  return {
    id: pkg.id,
    name: pkg.name,
    status: view.word,
    published: view.published,
    since: iso(view.since),
    reason: view.reason,
    hidden: pkg.hidden,
    synctype: pkg.synctype,
    syncrate: pkg.syncrate,
    src: pkg.src,
    dst: pkg.dst,
    stale_after: pkg.stale_after,
    run: view.run && {
      phase: view.run.phase,
      pid: view.run.pid,
      trigger: view.run.trigger,
      started: iso(view.run.started),
      until: iso(view.run.until),
      waits_for: view.run.phase === 'waiting' ? waitsFor(layout, pkg.id) : null,
      src: view.run.src,
      log: view.run.log,
    },
    last: last && { ...last, started: iso(last.started), ended: iso(last.ended) },
    last_success: iso(state.last_success),
    last_full: iso(state.last_full),
    last_error: iso(state.last_error),
    errors: state.errors,
    size: state.size,
    blocked: state.blocked && { ...state.blocked, since: iso(state.blocked.since) },
  };
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
  failed: 'red',
  'timed-out': 'red',
  blocked: 'red',
} as const satisfies Record<Word, string>;
