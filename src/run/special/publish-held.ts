import {
  closeSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { openToRead } from '../../boundary/regular-file.js';
import type { Outcome } from '../../job/outcome.js';
import type { PublishHeldStep } from '../../job/step.js';
import type { Turn } from '../steps.js';
import { latin1 } from './names.js';
import { Nested } from './nested.js';

/**
 * Moves held files to their places in dst, one after another: what names others after them. A reader finds a file as it was
 * or as it is. The outcome that ends the run when a directory, or another package's tree, is in a file's place, before
 * anything is moved.
 */
export function publishHeld(turn: Turn, step: PublishHeldStep): Outcome | null {
  const { dst } = turn.session.job;
  const patterns = step.last.map((pattern) => new RegExp(pattern));
  const rank = (file: string): number => patterns.findIndex((pattern) => pattern.test(file));
  const files = filesBelow(step.from, '').sort((a, b) => rank(a) - rank(b));
  const nested = new Nested(turn.session.job);
  const foreign = files.find((file) => nested.covers(latin1(file)));
  if (foreign !== undefined) {
    const reason = `upstream has ${foreign}, which lies in another package's dst below ${dst}`;
    return { kind: 'failed', failure: 'dst', reason };
  }
  const inTheWay = files.find((file) => isDirectory(join(dst, file)));
  if (inTheWay !== undefined) {
    const reason = `${join(dst, inTheWay)} is a directory, and upstream has a file or link in its place`;
    return { kind: 'failed', failure: 'dst', reason };
  }
  const made = new Set<string>();
  for (const file of files) {
    makeDirectories(dst, file.split('/').slice(0, -1), made);
    move(join(step.from, file), join(dst, file));
  }
  removeHeld(step.from);
  turn.log.note('INFO', `published ${String(files.length)} held files`);
  return null;
}

/** What is left of the held directory is none of the deletions that are counted. */
function removeHeld(path: string): void {
  rmSync(path, { recursive: true, force: true });
  try {
    rmdirSync(dirname(path));
  } catch {
    // rsync's own temporary files are in it, too.
  }
}

/** Everything that is no directory, by its path relative to the first one; links are not followed. */
function filesBelow(directory: string, path: string): string[] {
  return readdirSync(join(directory, path), { withFileTypes: true }).flatMap((entry) => {
    const file = path === '' ? entry.name : `${path}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(directory, file) : [file];
  });
}

/** Directories of dst on the way to a file. Upstream has directories there: a link in the place of one goes. */
function makeDirectories(dst: string, names: readonly string[], made: Set<string>): void {
  let at = dst;
  for (const name of names) {
    at = join(at, name);
    if (made.has(at)) continue;
    if (!isDirectory(at)) {
      if (lstatSync(at, { throwIfNoEntry: false }) !== undefined) unlinkSync(at);
      mkdirSync(at);
    }
    made.add(at);
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** A rename; where another file system is mounted below dst, a copy under another name first. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copy(from, `${to}.~tmp~`);
    renameSync(`${to}.~tmp~`, to);
  }
}

/** A link as a link, a regular file with its time; throws UnfitFile for anything else. */
function copy(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  const stat = lstatSync(from);
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else {
    const fd = openToRead(from);
    try {
      copyFileSync(`/proc/self/fd/${String(fd)}`, to, constants.COPYFILE_EXCL);
    } finally {
      closeSync(fd);
    }
    utimesSync(to, stat.atime, stat.mtime);
  }
}
