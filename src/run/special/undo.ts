import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { OWN_DIRECTORY } from '../../job/never-upstream.js';
import type { ExecStep } from '../../job/step.js';
import { isDirectoryThere, lstatIfThere } from '../../system/if-there.js';
import { currentLimit, executeStep, otherCommand } from '../exec.js';
import type { ExecEnd } from '../exec.js';
import { tooMany } from '../guard.js';
import type { Turn } from '../steps.js';
import { below, removeTree } from './count-tree.js';
import { keep, makeOwnDirectory, pruneKept, removeOwnDirectory } from './kept.js';
import { Lines } from './lines.js';
import { shown } from './names.js';
import { EXAMPLES } from './omissions.js';

/** Where rsync puts what it deletes or replaces, relative to dst (see `methods/rsync-pass`). */
const UNDO = `${OWN_DIRECTORY}/undo`;

/**
 * What a run finds in mirror's own directory of dst at its start. A pass that was killed has left what it deleted and replaced
 * there: all of it goes back, so that dst is as it was before that pass. What has been kept long enough goes.
 */
export function mendOwnDirectory(turn: Turn): void {
  const { dst, keep_deleted: seconds = 0 } = turn.session.job;
  makeOwnDirectory(dst);
  const back = moveUndoBack(dst);
  if (back > 0) turn.log.note('WARNING', `a run that was killed had moved ${String(back)} entries: put back`);
  pruneKept(dst, seconds, Date.now());
}

/**
 * What becomes of what a pass has deleted and replaced. If the delete guard has tripped, all of it goes back, and upstream is
 * asked once more what would be deleted, because rsync names nothing that it may not delete. Else it is removed, or kept for
 * as long as the package says.
 */
export async function settleUndo(turn: Turn, step: ExecStep, end: ExecEnd): Promise<ExecEnd> {
  const { job } = turn.session;
  if (end.outcome.kind !== 'blocked') {
    await releaseUndo(turn);
    return end;
  }
  const back = moveUndoBack(job.dst);
  removeOwnDirectory(job.dst);
  turn.log.note('INFO', `the delete guard: ${String(back)} entries put back`);
  const before = turn.deleted ?? 0;
  const limit = end.tripped ?? currentLimit(job, turn.session.state, turn.allowDeletes);
  const told = step.tool === 'rsync' ? await wouldDelete(turn, step) : saidToSkip(turn, end, back);
  const transfer = end.transfer === null ? null : { ...end.transfer, deleted: 0 };
  const whole = { ...end, transfer, tripped: limit + before };
  if (told === null) return whole;
  const examples = told.examples;
  const blocked = tooMany(told.count + before, limit + before, { id: job.id, examples });
  return blocked === null ? whole : { ...whole, outcome: blocked.outcome };
}

/** For a tool that calls rsync by itself: what its log says, which leaves out directories whose content stayed. */
function saidToSkip(turn: Turn, { from }: ExecEnd, back: number): WouldDelete | null {
  const skipped = new Set<number>();
  for (const line of new Lines(turn.log.fd, from)) {
    const [, number] = /Deletions stopped due to --max-delete limit \((\d{1,12}) skipped\)/.exec(line) ?? [];
    if (number !== undefined) skipped.add(Number(number));
  }
  const count = Math.max(0, ...skipped);
  return count === 0 ? null : { count: count + back, examples: [] };
}

/** What the run would have deleted: how much, and some of it. */
export interface WouldDelete {
  readonly count: number;
  readonly examples: readonly string[];
}

/**
 * Asks rsync what all passes of this run together would delete: the dry run of the one that deletes, else of `step`. Null when
 * it cannot say.
 */
export async function wouldDelete(turn: Turn, step: ExecStep | null): Promise<WouldDelete | null> {
  const asked = turn.source.steps.filter((each) => each.kind === 'exec').findLast(isDryDelete) ?? step;
  if (asked?.tool !== 'rsync') return null;
  const { at, remove } = asked.dry_run ?? { at: 1, remove: 0 };
  const argv = asked.argv.toSpliced(at, remove, '--dry-run', '--out-format=%i %n');
  const { stdin_secret } = asked;
  const secret = stdin_secret === undefined ? {} : { stdin_secret };
  const { outcome, from } = await executeStep(turn, { ...otherCommand(asked, argv), ...secret }, 'probe');
  if (outcome.kind === 'interrupted' || outcome.kind === 'stopped') return null;
  let count = 0;
  const examples: string[] = [];
  for (const line of new Lines(turn.log.fd, from)) {
    if (!line.startsWith('*deleting ')) continue;
    count += 1;
    if (examples.length < EXAMPLES) {
      examples.push(shown(line.slice('*deleting '.length).trimStart()));
    }
  }
  return count === 0 ? null : { count, examples };
}

/** Whether it can delete, may be asked without doing so, and is for every run. */
function isDryDelete({ dry_run, delete_limit, only_with }: ExecStep): boolean {
  return dry_run !== undefined && delete_limit !== undefined && only_with === undefined;
}

/** Removes what was replaced, and keeps what was deleted where the package says so. */
export async function releaseUndo(turn: Turn): Promise<void> {
  const { dst, keep_deleted: seconds } = turn.session.job;
  if (lstatIfThere(join(dst, UNDO)) === null) return;
  if (seconds !== undefined) {
    makeOwnDirectory(dst);
    keepDeleted(turn, '', true);
  }
  const { rm } = process.getBuiltinModule('node:fs/promises');
  await rm(join(dst, UNDO), { recursive: true, force: true });
  removeOwnDirectory(dst);
}

/**
 * Keeps what lies in a directory of those that were moved, unless dst has a file or link in its place now. `isThere`: the
 * directory still is one in dst.
 */
function keepDeleted(turn: Turn, path: string, isThere: boolean): void {
  const { dst } = turn.session.job;
  for (const { name, isTree } of entriesOf(dst, path)) {
    const inDst = path === '' ? name : `${path}/${name}`;
    const now = isThere ? lstatIfThere(below(dst, inDst)) : null;
    if (isTree) keepDeleted(turn, inDst, now?.isDirectory() === true);
    else if (now === null || now.isDirectory()) keep(turn, below(dst, `${UNDO}/${inDst}`), inDst);
  }
}

/**
 * Moves a directory of dst to where `moveUndoBack` finds it, so that a file can take its place. `path` is relative to dst, one
 * character a byte. False when another file system is mounted there.
 */
export function moveToUndo(dst: string, path: string): boolean {
  makeOwnDirectory(dst);
  const to = below(dst, `${UNDO}/${path}`);
  mkdirSync(below(dst, dirname(`${UNDO}/${path}`)), { recursive: true, mode: 0o700 });
  try {
    renameSync(below(dst, path), to);
    return true;
  } catch (error) {
    if (['EXDEV', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Moves all back to where it was; how many entries that is. What took their place meanwhile goes. */
export function moveUndoBack(dst: string): number {
  if (!isDirectoryThere(join(dst, UNDO))) return 0;
  let moved = 0;
  const times: { path: string; atime: Date; mtime: Date }[] = [];
  for (const { path, isTree } of entriesBelow(dst, '')) {
    const [from, to] = [below(dst, `${UNDO}/${path}`), below(dst, path)];
    const there = lstatIfThere(to);
    if (isTree) {
      if (there?.isDirectory()) continue;
      // Parents come first: every directory on the way is a real one by now.
      if (there !== null) unlinkSync(to);
      const { mode, atime, mtime } = lstatSync(from);
      mkdirSync(to);
      chmodSync(to, mode & 0o7777);
      times.unshift({ path, atime, mtime });
      continue;
    }
    if (there?.isDirectory()) removeTree(dst, path);
    const stat = lstatSync(from);
    // Two names of one file: a rename would leave both.
    if (there?.ino === stat.ino && there.dev === stat.dev) unlinkSync(from);
    else renameSync(from, to);
    moved += 1;
  }
  for (const { path, atime, mtime } of times) utimesSync(below(dst, path), atime, mtime);
  rmSync(join(dst, UNDO), { recursive: true, force: true });
  return moved;
}

/** All that lies below the directory, a directory before what is in it; paths as in dst, one character a byte. */
function* entriesBelow(dst: string, path: string): Generator<{ path: string; isTree: boolean }> {
  for (const { name, isTree } of entriesOf(dst, path)) {
    const inDst = path === '' ? name : `${path}/${name}`;
    yield { path: inDst, isTree };
    if (isTree) yield* entriesBelow(dst, inDst);
  }
}

function entriesOf(dst: string, path: string): { name: string; isTree: boolean }[] {
  const at = below(dst, path === '' ? UNDO : `${UNDO}/${path}`);
  const entries = readdirSync(at, { withFileTypes: true, encoding: 'latin1' });
  return entries.map((entry) => ({ name: entry.name, isTree: entry.isDirectory() }));
}
