import { rmSync, rmdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { DeleteListedStep } from '../../../job/list-step.js';
import { DELAYED_DIRECTORY, isNeverUpstream } from '../../../job/never-upstream.js';
import { isSuccess } from '../../../job/outcome.js';
import type { Outcome } from '../../../job/outcome.js';
import { lstatIfThere } from '../../../system/if-there.js';
import { currentLimit } from '../../exec.js';
import { figures } from '../../figures.js';
import { tooMany } from '../../guard.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import { removeFromDst } from '../kept.js';
import { Nested } from '../nested.js';
import { bytes, isPlain, latin1, shown } from '../names.js';
import { EXAMPLES } from '../omissions.js';
import { readPaths } from './writer.js';

/** How the run ends when these are more deletions than the guard allows, or null. What rsync keeps aside does not count. */
export function blockedBy(turn: Turn, paths: readonly string[]): StepEnd | null {
  const { job, state } = turn.session;
  const nested = new Nested(job);
  const deletions = paths.filter(
    (path) => !isDelayed(path) && !isNeverUpstream(path) && !nested.covers(path),
  );
  if (deletions.length === 0) return null;
  const before = turn.deleted ?? 0;
  const examples = deletions.slice(0, EXAMPLES).map(shown);
  return tooMany(before + deletions.length, currentLimit(job, state, turn.allowDeletes), {
    id: job.id,
    examples,
  });
}

/**
 * Deletes what a list of paths names below dst, the deepest first, unless the guard says no or files were left out before.
 * No symbolic link is followed, a directory that is not empty stays, and directories keep their times.
 */
export function deleteListed(turn: Turn, step: DeleteListedStep, sofar: Outcome): StepEnd {
  const { log, session } = turn;
  const nested = new Nested(session.job);
  const paths = [...readPaths(step.list)].filter((path) => !nested.covers(path));
  if (paths.length === 0) return GO_ON;
  if (!isSuccess(sofar)) {
    log.note('WARNING', `${String(paths.length)} not deleted: files were left out before`);
    return GO_ON;
  }
  const uncounted = new RegExp(step.uncounted ?? '(?!)');
  const top = latin1(session.job.dst);
  const parents = new Parents(top);
  const blocked = blockedBy(
    turn,
    // What has made way for a file or link is gone, and was counted then.
    paths.filter((path) => !uncounted.test(path) && parents.holds(path)),
  );
  if (blocked !== null) return blocked;
  let deleted = 0;
  // Backwards, what lies in a directory comes before it.
  for (const path of paths.sort().reverse()) {
    if (!isPlain(path)) throw new Error(`${path} leads out of dst`);
    if (isNeverUpstream(path)) continue;
    if (!parents.holds(path)) continue;
    const removed = remove(turn, path, bytes(join(top, path)));
    if (removed === 'kept') log.note('WARNING', `${path} is not empty: kept`);
    if (removed === 'removed') {
      deleted += 1;
      log.note('INFO', `deleted ${shown(path)}`);
    }
  }
  parents.restoreTimes();
  return { ...GO_ON, transfer: figures({ deleted }) };
}

/** Directories that something is deleted from: whether they are real, all the way down, and which time they had. */
class Parents {
  private readonly known = new Map<string, { real: boolean; atime: Date; mtime: Date }>();

  constructor(private readonly top: string) {}

  /** Whether something lies at a path, and no link on the way to it. */
  holds(path: string): boolean {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    return this.real(parent) && lstatIfThere(bytes(join(this.top, path))) !== null;
  }

  private real(directory: string): boolean {
    if (directory === '') return true;
    const known = this.known.get(directory);
    if (known) return known.real;
    const above = directory.slice(0, Math.max(0, directory.lastIndexOf('/')));
    const stat = lstatIfThere(bytes(join(this.top, directory)));
    const real = this.real(above) && stat?.isDirectory() === true;
    this.known.set(directory, {
      real,
      atime: stat?.atime ?? new Date(0),
      mtime: stat?.mtime ?? new Date(0),
    });
    return real;
  }

  restoreTimes(): void {
    for (const [directory, { real, atime, mtime }] of this.known) {
      const path = bytes(join(this.top, directory));
      if (real && lstatIfThere(path) !== null) utimesSync(path, atime, mtime);
    }
  }
}

function remove(turn: Turn, path: string, full: Buffer): 'removed' | 'gone' | 'kept' {
  const stat = lstatIfThere(full);
  if (stat === null) return 'gone';
  try {
    if (isDelayed(path)) rmSync(full, { recursive: true });
    else if (stat.isDirectory()) rmdirSync(full);
    else removeFromDst(turn, path);
    return 'removed';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTEMPTY') return 'kept';
    throw error;
  }
}

function isDelayed(path: string): boolean {
  return path === DELAYED_DIRECTORY || path.endsWith(`/${DELAYED_DIRECTORY}`);
}
