import { readFileSync, readdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import type { Layout } from '../job/layout.js';
import { executorLives } from '../state/alive.js';
import type { ActiveRun, PackageState } from '../state/package-state.js';
import { tryLock } from '../system/flock.js';
import type { Lock } from '../system/flock.js';

/** Milliseconds between SIGTERM and SIGKILL for orphans. */
const GRACE = 10_000;

/** Environment variable that every tool carries: which executor started it. */
export const RUN_VARIABLE = 'MIRROR_RUN';

/** Value of that variable for an executor; with the start time it names one process for ever. */
export function runMark(pid: number, start: number): string {
  return `${pid}.${start}`;
}

/**
 * Takes the lock of a run whose executor died (kill -9) and whose tool went on for longer than `maxRuntime` seconds: ends
 * that tool first. Null when the run's executor lives, its tool may still go on, or the lock does not come free.
 */
export async function takeOver(
  layout: Layout,
  state: PackageState,
  maxRuntime: number,
  now: number,
): Promise<Lock | null> {
  const { run } = state;
  if (run === null || executorLives(run) || now - run.started <= maxRuntime * 1000) return null;
  await endOrphans(layout, state.id, run);
  return tryLock(layout.runLock(state.id), 0.3);
}

/**
 * Ends what a dead executor's tool left running: every process that has the run's lock open and carries that executor's
 * mark, so no number that the kernel used again is ever hit. Returns how many there were.
 */
export async function endOrphans(layout: Layout, id: string, run: ActiveRun): Promise<number> {
  const lock = statSync(layout.runLock(id));
  const mark = `${RUN_VARIABLE}=${runMark(run.pid, run.pid_start)}`;
  const found = orphans(lock, mark);
  for (const pid of found) signal(pid, 'SIGTERM');
  const deadline = Date.now() + GRACE;
  for (let left = found; left.length > 0; left = orphans(lock, mark)) {
    if (Date.now() > deadline) for (const pid of left) signal(pid, 'SIGKILL');
    if (Date.now() > deadline + 2000) break;
    await new Promise((next) => setTimeout(next, 50));
  }
  return found.length;
}

function orphans(lock: Stats, mark: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && carries(pid, mark) && hasOpen(pid, lock));
}

function carries(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark);
  } catch {
    return false;
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
