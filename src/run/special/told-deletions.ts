import { lstatSync, readdirSync } from 'node:fs';
import { isNeverUpstream } from '../../job/never-upstream.js';
import type { ExecStep } from '../../job/step.js';
import { isThrough } from '../../job/outcome.js';
import type { Outcome } from '../../job/outcome.js';
import { isEmpty } from '../destination.js';
import { NO_FILES, currentLimit, executeStep } from '../exec.js';
import type { ExecEnd } from '../exec.js';
import { figures, together } from '../figures.js';
import { tooMany } from '../guard.js';
import type { LogFile } from '../log-file.js';
import type { StepEnd, Turn } from '../steps.js';
import { below, countTree } from './count-tree.js';
import { removeFromDst } from './kept.js';
import { Lines } from './lines.js';
import { Nested } from './nested.js';
import { isPlain, shown } from './names.js';

/**
 * The second half of a pass by a tool that has no delete limit: it was run so that it deletes nothing and only tells what
 * upstream no longer has. When that is no more than the guard allows, it is deleted here. So no upstream that
 * empties itself half way can take more with it, which a dry run before the pass could not prevent.
 */
export async function deleteTold(turn: Turn, step: ExecStep, pass: ExecEnd): Promise<StepEnd> {
  const { log, session } = turn;
  const { dst } = session.job;
  const found = toldPaths(log, pass.from, new RegExp(step.told_deletions?.pattern ?? '(?!)'));
  const nested = new Nested(session.job);
  const own = found.filter((path) => isBelow(dst, path));
  const paths = own
    .flatMap((path) => aroundNested(dst, path, nested))
    .filter((path) => !isNeverUpstream(path));
  const trees = paths.filter((path) => isDirectory(below(dst, path)));
  const going = paths.flatMap((path) => countTree(dst, path));
  const entries = going.length;
  const limit = currentLimit(session.job, session.state, turn.allowDeletes);
  if (found.length > own.length) {
    log.note('WARNING', `${String(found.length - own.length)} names lead out of ${dst}: left alone`);
  }
  const told = { id: session.job.id, examples: going.slice(0, 3).map(shown) };
  const blocked = tooMany(entries, limit, told);
  if (blocked !== null) return { ...blocked, transfer: pass.transfer };
  for (const path of paths) {
    const failed = remove(turn, path);
    if (failed !== null) return { outcome: failed, done: true, transfer: pass.transfer };
  }
  if (entries > 0) log.note('INFO', `deleted what is gone upstream: ${String(entries)} entries`);
  // A tool that moved nothing tells no figures; what was deleted is known all the same.
  const transfer =
    pass.transfer === null && entries === 0 ? null : { ...figures({}), ...pass.transfer, deleted: entries };
  if (trees.length === 0) {
    const outcome = isEmpty(dst) ? NO_FILES : pass.outcome;
    return { outcome, done: !isThrough(outcome), transfer, omissions: pass.omissions };
  }
  // Where a directory was, upstream may have a file by now, which could not take its place before.
  const again = await executeStep(turn, step, 'pass');
  const moved = together(transfer, again.transfer);
  return {
    outcome: again.outcome,
    done: !isThrough(again.outcome),
    transfer: moved === null ? null : { ...moved, deleted: entries },
    omissions: again.omissions,
  };
}

/** Paths relative to dst that the tool told of, each byte of a name as one character. */
function toldPaths(log: LogFile, from: number, pattern: RegExp): string[] {
  const paths = new Set<string>();
  for (const line of new Lines(log.fd, from)) {
    const path = pattern.exec(line)?.[1];
    if (path !== undefined) paths.add(path.replace(/\/+$/, ''));
  }
  return [...paths];
}

/** Whether every directory on the way is one of dst's own, and no symbolic link: names come from outside. */
function isBelow(dst: string, path: string): boolean {
  if (!isPlain(path)) return false;
  const names = path.split('/');
  return names.slice(1).every((_, index) => isDirectory(below(dst, names.slice(0, index + 1).join('/'))));
}

/** The path, or, where another package's tree lies in that directory, what is beside the tree in there. */
function aroundNested(dst: string, path: string, nested: Nested): string[] {
  if (nested.covers(path)) return [];
  if (!nested.isBelow(path) || !isDirectory(below(dst, path))) return [path];
  const names = readdirSync(below(dst, path), { encoding: 'latin1' });
  return names.flatMap((name) => aroundNested(dst, `${path}/${name}`, nested));
}

function isDirectory(path: Buffer): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function remove(turn: Turn, path: string): Outcome | null {
  try {
    removeFromDst(turn, path);
    return null;
  } catch (error) {
    return { kind: 'failed', failure: 'io', reason: `cannot delete: ${(error as Error).message}` };
  }
}
