import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { openToRead } from '../../../boundary/regular-file.js';
import type { ListChangesStep } from '../../../job/list-step.js';
import { lstatIfThere } from '../../../system/if-there.js';
import { differentLines } from './diff.js';
import { readLine } from './entry.js';
import type { ListLine } from './entry.js';
import type { ListFilter } from './filter.js';
import { Lines } from '../lines.js';
import { bytes, latin1 } from '../names.js';
import type { ListTotals } from './record.js';
import { PathWriter } from './writer.js';

const LINE_END = 10;

/** Bytes before a path: a digit and a tab, a letter and a tab, a digit and a tab. */
const LEAST = 6;

type Entry = Extract<ListLine, { kind: 'entry' }>;

/** What a run has to do, beside the files that the next steps work from. */
export interface ListWork {
  /** Null: everything is looked at. */
  readonly transfers: number | null;
  readonly deletions: readonly string[];
  /** What each list says is there, by its file. */
  readonly totals: Readonly<Record<string, ListTotals>>;
}

/** A list that cannot be believed; the reason follows its name. */
export class WrongList extends Error {}

/**
 * Compares each new list with the one in dst, which says what dst holds: lines that came are transferred, entries whose
 * path is gone are deleted. Throws WrongList.
 */
export function changesOf(
  step: ListChangesStep,
  filter: ListFilter,
  dst: string,
  changed: (file: string) => boolean,
  known: Readonly<Record<string, ListTotals>>,
): ListWork {
  const deletions: string[] = [];
  const totals: Record<string, ListTotals> = {};
  const [transfer, verify] = [
    new PathWriter(step.transfer, latin1(step.prefix)),
    new PathWriter(step.verify),
  ];
  try {
    for (const { file, directory } of step.lists) {
      const before = known[file] ?? { files: 0, bytes: 0, twice: true };
      totals[file] = before;
      if (!changed(file)) continue;
      const { gone, came, digests } = compare(file, join(dst, file), join(step.fetched, file));
      const wanted = (entry: Entry): boolean => filter.wants(entry, directory);
      const [left, now] = [gone.filter(wanted), came.filter(wanted)];
      const names = new Set(now.map(({ path }) => path));
      for (const path of names) transfer.add(directory + path);
      const without = new Set(left.map(({ path }) => path).filter((path) => !names.has(path)));
      if (before.twice) keepListed(join(step.fetched, file), without, wanted);
      for (const [path, digest] of digests) {
        if (!filter.wantsPath(directory + path)) continue;
        verify.add(`${digest}\t${directory}${path}`);
        // Times of lists are whole seconds: another digest may be all that tells of a file that has kept its size.
        if (!names.has(path) && !without.has(path) && isThere(dst, directory + path)) {
          transfer.add(directory + path);
        }
      }
      for (const path of without) deletions.push(directory + path);
      totals[file] = {
        files: before.files + now.length - left.length,
        bytes: before.bytes + bytesOf(now) - bytesOf(left),
        twice: before.twice || names.size < now.length || hasAny(join(dst, directory), names, left),
      };
    }
  } finally {
    transfer.close();
    verify.close();
  }
  return { transfers: transfer.count, deletions, totals };
}

/** Whether a name that came without one that went is there already: then the list may name it on another line, too. */
function hasAny(directory: string, came: ReadonlySet<string>, gone: readonly Entry[]): boolean {
  const before = new Set(gone.map(({ path }) => path));
  return [...came].filter((path) => !before.has(path)).some((path) => isThere(directory, path));
}

/** `path` has one byte a character, as lists are read. */
function isThere(directory: string, path: string): boolean {
  return lstatIfThere(bytes(join(latin1(directory), path))) !== null;
}

/** Bytes of regular files; what a directory takes on upstream's disk is nobody's business. */
export function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { type, size }) => (type === 'file' ? sum + size : sum), 0);
}

function compare(
  name: string,
  before: string,
  after: string,
): { gone: Entry[]; came: Entry[]; digests: Map<string, string> } {
  const [old, now] = [openToRead(before), openToRead(after)];
  try {
    const difference = differentLines(old, now);
    const came = [...difference.came].map(readLine);
    if (came.some(({ kind }) => kind === 'wrong'))
      throw new WrongList(`${name} has lines that make no sense`);
    const entries = (lines: readonly ListLine[]): Entry[] => lines.filter((line) => line.kind === 'entry');
    const digests = new Map<string, string>();
    for (const line of came) if (line.kind === 'checksum') digests.set(line.path, line.digest);
    return { gone: entries([...difference.gone].map(readLine)), came: entries(came), digests };
  } finally {
    closeSync(old);
    closeSync(now);
  }
}

/**
 * Takes out of `paths` those that the list still names, on a line that both lists have, where some path may be on two: a generator that read a directory
 * while it changed may have named a file twice, and one of the lines going is no reason to delete it. Most lines are told
 * apart by their last bytes without becoming text.
 */
function keepListed(list: string, paths: Set<string>, wanted: (entry: Entry) => boolean): void {
  if (paths.size === 0) return;
  const shortest = Math.min(...[...paths].map((path) => path.length));
  // Packages have the same endings: their names and directories tell them apart.
  const depth = Math.min(96, shortest);
  const endings = new Uint8Array(1 << 16);
  for (const path of paths) endings[ending(bytes(path), path.length, depth)] = 1;
  const fd = openToRead(list);
  try {
    const lines = new Lines(fd);
    while (lines.fill()) {
      const { buffer, end } = lines;
      let { start } = lines;
      // By hand: a call for each line takes ten times as long. No line end that matters is nearer than such a line is long.
      for (let at = start + shortest + LEAST; at < end; at += 1) {
        if (buffer[at] !== LINE_END) continue;
        if (endings[ending(buffer, at, depth)] === 1) {
          const from = buffer.lastIndexOf(LINE_END, at - 1) + 1;
          const line = readLine(buffer.toString('latin1', Math.max(from, lines.start), at));
          if (line.kind === 'entry' && wanted(line)) paths.delete(line.path);
        }
        start = at + 1;
        at += shortest + LEAST;
      }
      // What follows the last line end is `[End]` at most, or the beginning of a line.
      if (start === lines.start) break;
      lines.start = start;
    }
  } finally {
    closeSync(fd);
  }
}

/** A number from some of the `depth` bytes before `end`. */
function ending(buffer: Buffer, end: number, depth: number): number {
  const step = Math.max(4, Math.floor(depth / 8));
  let hash = 0;
  for (let back = 4; back <= depth; back += step) {
    const at = end - back;
    const bytes = (buffer[at] ?? 0) | ((buffer[at + 1] ?? 0) << 8) | ((buffer[at + 2] ?? 0) << 16);
    hash = Math.imul(hash ^ bytes ^ ((buffer[at + 3] ?? 0) << 24), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash & 0xffff;
}
