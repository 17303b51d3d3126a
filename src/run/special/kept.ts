import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OWN_DIRECTORY } from '../../job/never-upstream.js';
import { isDirectoryThere, lstatIfThere, unlessGone } from '../../system/if-there.js';
import type { Turn } from '../steps.js';
import { below, removeTree } from './count-tree.js';
import { latin1, parentsOf, shown } from './names.js';

/** Below mirror's own directory in dst: one directory for each run that deleted something. */
const KEPT = 'deleted';

/** Name of such a directory: when the run deleted first, in UTC to the second. */
const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** Where each run keeps what it deletes. */
const placeOfRun = new WeakMap<object, string>();

/**
 * Takes a path, with all below it, out of readers' sight: into mirror's own directory where `keep_deleted` asks for that, else
 * for good. `path` is relative to dst, one character a byte. What is not there is no error.
 */
export function removeFromDst(turn: Turn, path: string): void {
  const { dst } = turn.session.job;
  if (turn.session.job.keep_deleted === undefined || !keep(turn, below(dst, path), path)) {
    removeTree(dst, path);
  }
}

/**
 * Moves what lies at `from`, which is on dst's own file system or not, to where this run keeps what was at `path`. False when
 * it cannot be kept: another file system is mounted there.
 */
export function keep(turn: Turn, from: Buffer, path: string): boolean {
  const { dst } = turn.session.job;
  const stat = lstatIfThere(from);
  if (stat === null) return true;
  const to = join(placeOf(turn), path);
  mkdirSync(below(dst, dirname(to)), { recursive: true });
  if (lstatIfThere(below(dst, to))?.isDirectory() && stat.isDirectory()) {
    // An empty directory of the same name: what was in it came first.
    rmdirSync(from);
    return true;
  }
  try {
    removeTree(dst, to);
    renameSync(from, below(dst, to));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    turn.log.note('WARNING', `${shown(path)} is on another file system than dst: deleted, not kept`);
    return false;
  }
}

function placeOf(turn: Turn): string {
  const { session, log } = turn;
  const known = placeOfRun.get(log);
  if (known !== undefined) return known;
  makeOwnDirectory(session.job.dst);
  const name = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const place = `${OWN_DIRECTORY}/${KEPT}/${name}`;
  placeOfRun.set(log, place);
  return place;
}

/** Makes mirror's own directory, closed for others, and throws if a link or file is in its place. */
export function makeOwnDirectory(dst: string): void {
  const path = join(dst, OWN_DIRECTORY);
  if (lstatIfThere(path) === null) mkdirSync(path, { mode: 0o700 });
  if (!lstatSync(path).isDirectory()) throw new Error(`${path} is not a directory`);
  chmodSync(path, 0o700);
}

/** Removes it if nothing is in it. */
export function removeOwnDirectory(dst: string): void {
  for (const path of [join(dst, OWN_DIRECTORY, KEPT), join(dst, OWN_DIRECTORY)]) {
    try {
      rmdirSync(path);
    } catch {
      // It holds something, or is not there.
    }
  }
}

/** What one run deleted and dst still keeps. */
export interface Kept {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The directory that has it, relative to dst. */
  readonly directory: string;
}

/** What is kept in a dst, the oldest first. */
export function keptIn(dst: string): Kept[] {
  const names = unlessGone(() => readdirSync(join(dst, OWN_DIRECTORY, KEPT))) ?? [];
  return names.sort().flatMap((name) => {
    const [, ...parts] = NAME.exec(name) ?? [];
    if (parts.length === 0) return [];
    const [year = 0, month = 1, ...rest] = parts.map(Number);
    return [{ at: Date.UTC(year, month - 1, ...rest), directory: `${OWN_DIRECTORY}/${KEPT}/${name}` }];
  });
}

/** Deletes what has been kept for `seconds`; all of it where a package keeps nothing any longer (0). `now` in epoch ms. */
export function pruneKept(dst: string, seconds: number, now: number): number {
  const old = keptIn(dst).filter(({ at }) => at + seconds * 1000 <= now);
  for (const { directory } of old) rmSync(join(dst, directory), { recursive: true, force: true });
  removeOwnDirectory(dst);
  return old.length;
}

/** What `restoreKept` did, by paths relative to dst. */
export interface Restored {
  readonly restored: readonly string[];
  /** Not restored, because dst has something there. */
  readonly taken: readonly string[];
}

/**
 * Brings back what is kept of `path` (relative to dst, '' for everything), of the newest run that deleted it. What dst has
 * stays as it is. No link is followed.
 */
export function restoreKept(dst: string, path: string): Restored {
  const restored: string[] = [];
  const taken = new Set<string>();
  for (const { directory } of keptIn(dst).reverse()) {
    for (const file of filesAt(dst, directory, latin1(path))) {
      if (placeIsTaken(dst, file)) {
        taken.add(shown(file));
        continue;
      }
      makeParents(dst, directory, file);
      renameSync(below(dst, `${directory}/${file}`), below(dst, file));
      restored.push(shown(file));
    }
    removeEmptyBelow(dst, directory);
  }
  removeOwnDirectory(dst);
  return { restored, taken: [...taken].filter((file) => !restored.includes(file)) };
}

/** Everything below `path` of a kept directory that is not a directory, and empty directories; relative to dst. */
function filesAt(dst: string, directory: string, path: string): string[] {
  if (parentsOf(path).some((parent) => !isDirectoryThere(below(dst, `${directory}/${parent}`)))) return [];
  const at = below(dst, path === '' ? directory : `${directory}/${path}`);
  const stat = lstatIfThere(at);
  if (stat === null) return [];
  if (!stat.isDirectory()) return [path];
  const entries = readdirSync(at, { encoding: 'latin1' });
  if (entries.length === 0) return path === '' ? [] : [path];
  return entries.flatMap((name) => filesAt(dst, directory, path === '' ? name : `${path}/${name}`));
}

/** Whether dst has something at a path, or no directory on the way to it. */
function placeIsTaken(dst: string, path: string): boolean {
  for (const parent of parentsOf(path)) {
    const stat = lstatIfThere(below(dst, parent));
    if (stat === null) return false;
    if (!stat.isDirectory()) return true;
  }
  return lstatIfThere(below(dst, path)) !== null;
}

/** Makes the directories on the way to a path, with the modes of those in `from`. */
function makeParents(dst: string, from: string, path: string): void {
  for (const parent of parentsOf(path)) {
    if (isDirectoryThere(below(dst, parent))) continue;
    mkdirSync(below(dst, parent));
    chmodSync(below(dst, parent), lstatSync(below(dst, `${from}/${parent}`)).mode & 0o777);
  }
}

function removeEmptyBelow(dst: string, directory: string): void {
  for (const entry of readdirSync(below(dst, directory), { withFileTypes: true, encoding: 'latin1' })) {
    if (entry.isDirectory()) removeEmptyBelow(dst, `${directory}/${entry.name}`);
  }
  try {
    rmdirSync(below(dst, directory));
  } catch {
    // It still holds what was not restored.
  }
}
