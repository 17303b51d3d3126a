import { readFileSync, readdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import type { Layout } from '../../job/layout.js';
import { executorLives } from '../../state/alive.js';
import type { ActiveRun, PackageState } from '../../state/package-state.js';
import { tryLock } from '../../system/flock.js';
import type { Lock } from '../../system/flock.js';
import { processStart } from '../../system/process.js';
import { RUN_VARIABLE, runMark } from '../../job/run-mark.js';

/** Milliseconds between SIGTERM and SIGKILL for orphans. */
const GRACE = 10_000;

/**
 * Takes the lock of a run whose executor died (kill -9) and whose tool went on for longer than `maxRuntime` seconds, or
 * which is over but for what its tool left in the background: ends that first. Null when the run's executor lives, its
 * tool may still go on, or the lock does not come free.
 */
export async function takeOver(
  layout: Layout,
  state: PackageState,
  maxRuntime: number,
  now: number,
): Promise<Lock | null> {
  const { run } = state;
  if (run === null) {
    if ((await endLeftovers(layout, state.id)) === 0) return null;
  } else {
    if (executorLives(run) || now - run.started <= maxRuntime * 1000) return null;
    await endOrphans(layout, state.id, run);
  }
  return tryLock(layout.runLock(state.id), 0.3);
}

/**
 * Ends what a dead executor's tool left running: every process that has the run's lock open and carries that executor's
 * mark, so no number that the kernel used again is ever hit. Returns how many there were.
 */
export function endOrphans(layout: Layout, id: string, run: ActiveRun): Promise<number> {
  const mark = runMark(run.pid, run.pid_start);
  return end(layout, id, (carried) => carried === mark);
}

/**
 * Ends what tools of runs that are over left in the background, in sessions of their own: a unit's end takes such
 * processes along, elsewhere they would keep the package's lock. Returns how many there were.
 */
export function endLeftovers(layout: Layout, id: string): Promise<number> {
  return end(layout, id, (carried) => {
    const [pid = 0, start] = carried.split('.').map(Number);
    return processStart(pid) !== start;
  });
}

/**
 * Whether the process that a state names as its executor lives and really has the package's run lock open: a user who may
 * write the state could name any process. False when the executor's user does not let us look.
 */
export function isProvenExecutor(layout: Layout, id: string, run: ActiveRun): boolean {
  if (!executorLives(run)) return false;
  const lock = statSync(layout.runLock(id), { throwIfNoEntry: false });
  return lock !== undefined && hasOpen(run.pid, lock);
}

/** Sends a signal to a proven executor; false when there is none. Throws the system's error. */
export function signalExecutor(layout: Layout, id: string, run: ActiveRun, name: NodeJS.Signals): boolean {
  return isProvenExecutor(layout, id, run) && process.kill(run.pid, name);
}

async function end(layout: Layout, id: string, isMark: (text: string) => boolean): Promise<number> {
  const lock = statSync(layout.runLock(id), { throwIfNoEntry: false });
  if (lock === undefined) return 0;
  const found = holders(lock, isMark);
  for (const pid of found) signal(pid, 'SIGTERM');
  const deadline = Date.now() + GRACE;
  for (let left = found; left.length > 0; left = holders(lock, isMark)) {
    if (Date.now() > deadline) for (const pid of left) signal(pid, 'SIGKILL');
    if (Date.now() > deadline + 2000) break;
    await new Promise((next) => setTimeout(next, 50));
  }
  return found.length;
}

/** Processes that carry such a mark and have the lock open. */
function holders(lock: Stats, isMark: (text: string) => boolean): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      const mark = pid > 0 ? markOf(pid) : null;
      return mark !== null && isMark(mark) && hasOpen(pid, lock);
    });
}

function markOf(pid: number): string | null {
  const prefix = `${RUN_VARIABLE}=`;
  try {
    const words = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    return words.find((word) => word.startsWith(prefix))?.slice(prefix.length) ?? null;
  } catch {
    return null;
  }
}

function hasOpen(pid: number, file: Stats): boolean {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).some((fd) => {
      const open = statSync(`${directory}/${fd}`, { throwIfNoEntry: false });
      return open?.ino === file.ino && open.dev === file.dev;
    });
  } catch {
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Ended by itself, or belongs to somebody else.
  }
}
