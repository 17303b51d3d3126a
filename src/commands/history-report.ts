import { styleText } from 'node:util';
import { readApplyHistory } from '../apply/history.js';
import { jsonText } from '../job/plain-text.js';
import type { RunRecord } from '../state/package-state.js';
import { readHistory } from '../state/history.js';
import type { Layout } from '../job/layout.js';
import { EXIT, isError, isSuccess } from '../job/outcome.js';
import { stamp } from '../job/zone.js';
import { readSiteFile } from '../state/site.js';
import { readSmallText, UnfitFile } from '../boundary/small-file.js';
import { appliedSite, layoutOf, selectPackages } from './applied-site.js';
import { ExitError } from './exit.js';
import { iso, onTheClock, span } from './moment.js';
import type { GlobalOptions } from './options.js';
import { table, type Cell } from './table.js';

/** `apply` keeps 1000 lines of some kilobytes. */
const APPLIED_LIMIT_BYTES = 64 << 20;

interface Choice extends GlobalOptions {
  /** How many of the newest; 0 for all. */
  readonly number: number;
}

interface Run extends RunRecord {
  readonly id: string;
}

/**
 * `mirror history [ID]`: finished runs by their end, newest last, of one package or of all. Throws ExitError 74 when some
 * package's history is not read, after the others are printed.
 */
export function runs(options: Choice, id: string | undefined): void {
  const { layout, site } = appliedSite(options);
  const packages = selectPackages(site, id === undefined ? [] : [id]);
  const problems: string[] = [];
  const all = packages.flatMap(({ id }) => {
    try {
      return readHistory(layout, id).map((record): Run => ({ id, ...record }));
    } catch (error) {
      if (!(error instanceof UnfitFile)) throw error;
      problems.push(`mirror: ${id}: ${error.message}`);
      return [];
    }
  });
  const shown = newest(
    all.sort((a, b) => a.ended - b.ended),
    options.number,
  );
  if (options.json) {
    const rows = shown.map((run) => ({ ...run, started: iso(run.started), ended: iso(run.ended) }));
    process.stdout.write(`${jsonText({ format: 'mirror/history/1', runs: rows }, 2)}\n`);
  } else {
    const rows = shown.map((run) => row(run, site.timezone));
    const width = process.stdout.isTTY ? process.stdout.columns : null;
    process.stdout.write(
      table(['ENDED', 'PACKAGE', 'OUTCOME', 'TOOK', 'FILES', 'RECEIVED', 'WHY', 'NOTE'], rows, width),
    );
  }
  if (problems.length > 0) throw new ExitError(EXIT.io, problems.join('\n'));
}

/** `mirror history --apply`: who applied what, newest last. Works before the first apply too. */
export function applies(options: Choice): void {
  const shown = newest(readApplyHistory({ read: readAppliedText }, layoutOf(options)), options.number);
  if (options.json) {
    const rows = shown.map((each) => ({ ...each, at: iso(each.at) }));
    process.stdout.write(`${jsonText({ format: 'mirror/apply-history/1', applies: rows }, 2)}\n`);
    return;
  }
  const zone = siteZone(layoutOf(options));
  const rows = shown.map((each): Cell[] => [
    { text: stamp(each.at, zone) },
    { text: each.by },
    { text: each.revision === null ? '-' : each.revision.slice(0, 12) + (each.dirty ? '+' : '') },
    { text: `${String(each.files.written)} written, ${String(each.files.deleted)} deleted` },
    { text: each.ids.join(' ') },
  ]);
  process.stdout.write(table(['APPLIED', 'BY', 'REVISION', 'FILES', 'PACKAGES'], rows, terminalWidth()));
}

function readAppliedText(path: string): string | null {
  return readSmallText(path, { limitBytes: APPLIED_LIMIT_BYTES });
}

function newest<T>(list: readonly T[], number: number): readonly T[] {
  if (!Number.isInteger(number) || number < 0) {
    throw new ExitError(EXIT.usage, 'mirror: -n takes a whole number, 0 for all');
  }
  return number === 0 ? list : list.slice(-number);
}

/** The site's zone, as everywhere else; UTC while there is no site. */
function siteZone(layout: Layout): string {
  try {
    return readSiteFile(layout)?.timezone ?? 'UTC';
  } catch {
    return 'UTC';
  }
}

function terminalWidth(): number | null {
  return process.stdout.isTTY ? process.stdout.columns : null;
}

function row(run: Run, zone: string): Cell[] {
  const outcome = run.outcome === 'failed' && run.failure !== null ? `failed(${run.failure})` : run.outcome;
  return [
    { text: stamp(run.ended, zone) },
    { text: run.id },
    { text: outcome, paint: (text) => styleText(colour(run.outcome), text, { stream: process.stdout }) },
    { text: span(run.ended - run.started) },
    { text: filesText(run.transfer) },
    { text: run.transfer?.received_bytes == null ? '-' : size(run.transfer.received_bytes) },
    { text: run.trigger },
    { text: note(run, zone) },
  ];
}

/** Why the run ended as it did, and what it did not do. */
function note({ reason, omissions = [] }: Run, zone: string): string {
  const why = reason === null || reason === '' ? [] : [onTheClock(reason, zone)];
  return [...why, ...omissions.map(({ text }) => text)].join('; ');
}

/** Files that were moved and deleted, as far as the tool said. */
function filesText(transfer: RunRecord['transfer']): string {
  const count = (sign: string, files: number | null | undefined): string[] =>
    files == null || (files === 0 && sign === '-') ? [] : [`${sign}${String(files)}`];
  return [...count('+', transfer?.transferred_files), ...count('-', transfer?.deleted)].join(' ') || '-';
}

function colour(kind: RunRecord['outcome']): 'green' | 'red' | 'yellow' {
  if (isSuccess({ kind })) return 'green';
  return isError({ kind }) ? 'red' : 'yellow';
}

/** Bytes in binary units, three digits. */
function size(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const scaled = bytes / 1024 ** power;
  return `${power === 0 || scaled >= 100 ? scaled.toFixed(0) : scaled.toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power] ?? ''}`;
}
