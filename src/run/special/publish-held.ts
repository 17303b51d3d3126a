import {
  chmodSync,
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
import { isDirectoryThere, lstatIfThere } from '../../system/if-there.js';
import { openToRead } from '../../boundary/regular-file.js';
import type { PublishHeldStep } from '../../job/step.js';
import { figures } from '../figures.js';
import { tooMany } from '../guard.js';
import { GO_ON, endedBy } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';
import { countTree } from './count-tree.js';
import { blockedBy } from './lists/delete.js';
import { removeFromDst } from './kept.js';
import { latin1 } from './names.js';
import { Nested } from './nested.js';
import { wouldDelete } from './undo.js';

/**
 * Moves held files to their places in dst, one after another: what names others after them. A reader finds a file as it was
 * or as it is. What has to make way is counted before anything is moved: more than the guard allows, or another package's
 * tree in a file's place, ends the run there.
 */
export async function publishHeld(turn: Turn, step: PublishHeldStep): Promise<StepEnd> {
  const { dst } = turn.session.job;
  const patterns = step.last.map((pattern) => new RegExp(pattern));
  const rank = (file: string): number => patterns.findIndex((pattern) => pattern.test(file));
  const { files, replacing, published } = heldBelow(step.from, dst, '');
  files.sort((a, b) => rank(a) - rank(b));
  const inTheWay = files.filter((file) => isDirectoryThere(join(dst, file)));
  const nested = new Nested(turn.session.job);
  const foreign =
    [...files, ...replacing].find((file) => nested.covers(latin1(file))) ??
    inTheWay.find((file) => nested.isBelow(latin1(file)));
  if (foreign !== undefined) {
    const reason = `upstream has ${foreign}, where another package's dst lies below ${dst}`;
    return endedBy({ kind: 'failed', failure: 'dst', reason });
  }
  // As rsync counts: what has something else in its place afterwards is none of them, what was in it is.
  const going = inTheWay.flatMap((path) => countTree(dst, latin1(path)).slice(1));
  const blocked = blockedBy(turn, going);
  if (blocked !== null) return tellAll(turn, blocked, going.length);
  const made = new Set<string>();
  for (const file of files) {
    makeDirectories(step.from, dst, file.split('/').slice(0, -1), made);
    if (inTheWay.includes(file)) removeFromDst(turn, latin1(file));
    move(join(step.from, file), join(dst, file));
  }
  // Whole directories, the files that name others among theirs: a link to the old ones leads there until now.
  for (const directory of replacing) {
    removeFromDst(turn, latin1(directory));
    moveTree(join(step.from, directory), join(dst, directory));
  }
  removeHeld(step.from);
  turn.log.note('INFO', `published ${String(published)} held files`);
  return { ...GO_ON, transfer: going.length > 0 ? figures({ deleted: going.length }) : null };
}

/** The same end with all that the run would have deleted, so that a person who allows it need not be asked again. */
async function tellAll(turn: Turn, blocked: StepEnd, going: number): Promise<StepEnd> {
  const told = await wouldDelete(turn, null);
  const limit = blocked.facts?.tripped ?? 0;
  if (told === null || told.count < going) return blocked;
  const { id } = turn.session.job;
  return tooMany(told.count + (turn.deleted ?? 0), limit, { id, examples: told.examples }) ?? blocked;
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

/** What there is to publish, by paths relative to the held directory; links are not followed. */
interface Held {
  /** Everything that is not a directory and does not lie in one of `replacing`. */
  readonly files: string[];
  /** The topmost directories whose place in dst is taken by a link or file. */
  readonly replacing: string[];
  /** How many files that is, those in `replacing` too. */
  readonly published: number;
}

function heldBelow(from: string, dst: string, path: string): Held {
  const files: string[] = [];
  const replacing: string[] = [];
  let published = 0;
  for (const entry of readdirSync(join(from, path), { withFileTypes: true })) {
    const file = path === '' ? entry.name : `${path}/${entry.name}`;
    if (!entry.isDirectory()) {
      files.push(file);
      published += 1;
      continue;
    }
    const below = heldBelow(from, dst, file);
    published += below.published;
    if (isSomethingElse(join(dst, file))) {
      replacing.push(file);
      continue;
    }
    files.push(...below.files);
    replacing.push(...below.replacing);
  }
  return { files, replacing, published };
}

/** Directories of dst on the way to a file, made as the held ones are. */
function makeDirectories(from: string, dst: string, names: readonly string[], made: Set<string>): void {
  let below = '';
  for (const name of names) {
    below = below === '' ? name : `${below}/${name}`;
    if (made.has(below)) continue;
    const path = join(dst, below);
    if (!isDirectoryThere(path)) {
      if (lstatIfThere(path) !== null) unlinkSync(path);
      mkdirSync(path);
      chmodSync(path, lstatSync(join(from, below)).mode & 0o777);
    }
    made.add(below);
  }
}

/** Whether there is something, and no directory. */
function isSomethingElse(path: string): boolean {
  return lstatIfThere(path)?.isDirectory() === false;
}

/** A whole directory to where nothing is. */
function moveTree(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    mkdirSync(to);
    chmodSync(to, lstatSync(from).mode & 0o777);
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const moveEntry = entry.isDirectory() ? moveTree : move;
      moveEntry(join(from, entry.name), join(to, entry.name));
    }
  }
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
