import { readdirSync } from 'node:fs';
import { isNeverUpstream } from '../../job/never-upstream.js';
import type { Omission } from '../../job/omission.js';
import type { ExecStep } from '../../job/step.js';
import { isThrough } from '../../job/outcome.js';
import type { Outcome } from '../../job/outcome.js';
import { isDirectoryThere, lstatIfThere } from '../../system/if-there.js';
import { isEmpty } from '../destination.js';
import { NO_FILES, currentLimit, executeStep } from '../exec.js';
import type { ExecEnd } from '../exec.js';
import { figures, together } from '../figures.js';
import { tooMany } from '../guard.js';
import type { LogFile } from '../log-file.js';
import type { StepEnd, Turn } from '../steps.js';
import { below, countTree } from './count-tree.js';
import { findDoubtful, isIn, refuseDoubtful } from './doubts.js';
import { removeFromDst, removeOwnDirectory } from './kept.js';
import { Lines } from './lines.js';
import { Nested } from './nested.js';
import { isPlain, parentsOf, shown, withoutSlashesAtEnd } from './names.js';
import { EXAMPLES, omission } from './omissions.js';
import { executeWithCare } from './refused.js';
import { moveToUndo, moveUndoBack, releaseUndo } from './undo.js';

/**
 * The second half of a pass by a tool that has no delete limit: it was run so that it deletes nothing and only tells what
 * upstream no longer has. When that is no more than the guard allows, it is deleted here. So no upstream that
 * empties itself half way can take more with it, which a dry run before the pass could not prevent.
 *
 * A directory is first moved aside, and the pass made again: upstream may have a file in its place. It is deleted only when
 * that pass has gone well. After a pass that left files out (`accept_exit`) nothing is deleted, and the outcome says so.
 */
export async function deleteTold(turn: Turn, step: ExecStep, pass: ExecEnd): Promise<StepEnd> {
  const { log, session } = turn;
  const { dst } = session.job;
  const found = toldPaths(log, pass.from, new RegExp(step.told_deletions?.pattern ?? '(?!)'));
  const own = found.filter((path) => isBelow(dst, path));
  const nested = new Nested(session.job);
  const inDst = own
    .flatMap((path) => aroundNested(dst, path, nested))
    .filter((path) => !isNeverUpstream(path));
  if (found.length > own.length) {
    log.note('WARNING', `${String(found.length - own.length)} names lead out of ${dst}: left alone`);
  }
  if (pass.outcome.kind !== 'synced') return keepAll(pass, inDst);
  const record = step.told_deletions?.doubts;
  const { empty, replaced } =
    record === undefined ? { empty: [], replaced: [] } : findDoubtful(turn, inDst, pass.from);
  const kept = inDst.filter((path) => isIn(replaced, path));
  const paths = inDst.filter((path) => !isIn(replaced, path));
  const omissions = [
    ...pass.omissions,
    ...skippedDeletions(kept, 'nothing that was there is listed any more'),
  ];

  const going = paths.flatMap((path) => countTree(dst, path));
  const limit = currentLimit(session.job, session.state, turn.allowDeletes);
  const told = { id: session.job.id, examples: going.slice(0, EXAMPLES).map(shown) };
  const blocked = tooMany(going.length, limit, told);
  if (blocked !== null) return { ...blocked, transfer: pass.transfer };

  const trees = paths.filter((path) => isDirectoryThere(below(dst, path)));
  let last = pass;
  const aside = trees.filter((path) => moveToUndo(dst, path));
  if (trees.length > 0)
    last = step.skip ? await executeWithCare(turn, step) : await executeStep(turn, step, 'pass');
  const moved = trees.length > 0 ? together(pass.transfer, last.transfer) : pass.transfer;
  const becameFiles = aside.filter((path) => lstatIfThere(below(dst, path)) !== null);
  const refused =
    record === undefined || last.outcome.kind !== 'synced'
      ? null
      : refuseDoubtful(turn, record, [...empty, ...becameFiles]);
  if (refused !== null || last.outcome.kind !== 'synced') {
    moveUndoBack(dst);
    removeOwnDirectory(dst);
    if (refused !== null) return { outcome: refused, done: true, transfer: moved };
    return { ...keepAll(last, inDst), transfer: moved };
  }
  await releaseUndo(turn);
  for (const path of paths) {
    if (aside.includes(path)) continue;
    const failed = remove(turn, path);
    if (failed !== null) return { outcome: failed, done: true, transfer: moved };
  }
  if (going.length > 0) log.note('INFO', `deleted what is gone upstream: ${String(going.length)} entries`);
  // A tool that moved nothing tells no figures; what was deleted is known all the same.
  const transfer =
    moved === null && going.length === 0 ? null : { ...figures({}), ...moved, deleted: going.length };
  const outcome = isEmpty(dst) ? NO_FILES : last.outcome;
  return { outcome, done: !isThrough(outcome), transfer, omissions };
}

/** The end of a pass that did not go well enough to delete after it. */
function keepAll(pass: ExecEnd, paths: readonly string[]): StepEnd {
  const { outcome, transfer } = pass;
  const omissions = [...pass.omissions, ...skippedDeletions(paths, 'upstream was not read whole')];
  return { outcome, done: !isThrough(outcome), transfer, omissions };
}

function skippedDeletions(paths: readonly string[], why: string): Omission[] {
  return omission('deletions', { count: paths.length, names: paths.map(shown), why });
}

/** Paths relative to dst that the tool told of, each byte of a name as one character. */
function toldPaths(log: LogFile, from: number, pattern: RegExp): string[] {
  const paths = new Set<string>();
  for (const line of new Lines(log.fd, from)) {
    const path = pattern.exec(line)?.[1];
    if (path !== undefined) paths.add(withoutSlashesAtEnd(path));
  }
  return [...paths];
}

/** Whether every directory on the way is one of dst's own, and no symbolic link: names come from outside. */
function isBelow(dst: string, path: string): boolean {
  return isPlain(path) && parentsOf(path).every((parent) => isDirectoryThere(below(dst, parent)));
}

/** The path, or, where another package's tree lies in that directory, what is beside the tree in there. */
function aroundNested(dst: string, path: string, nested: Nested): string[] {
  if (nested.covers(path)) return [];
  if (!nested.isBelow(path) || !isDirectoryThere(below(dst, path))) return [path];
  const names = readdirSync(below(dst, path), { encoding: 'latin1' });
  return names.flatMap((name) => aroundNested(dst, `${path}/${name}`, nested));
}

function remove(turn: Turn, path: string): Outcome | null {
  try {
    removeFromDst(turn, path);
    return null;
  } catch (error) {
    return { kind: 'failed', failure: 'io', reason: `cannot delete: ${(error as Error).message}` };
  }
}
