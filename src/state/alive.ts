import { statSync } from 'node:fs';
import type { Layout } from '../job/layout.js';
import { isLocked } from '../system/flock.js';
import { bootId, processStart } from '../system/process.js';
import type { ActiveRun } from './package-state.js';

/**
 * Whether a recorded run still runs: its executor lives, or its lock is held by the tool that the executor left behind.
 * The lock also answers where ProtectProc= or another pid namespace hides the executor from us. Who may not even open
 * the lock cannot know, and believes the record.
 */
export function isAlive(layout: Layout, id: string, run: ActiveRun): boolean {
  return executorLives(run) || isRunLocked(layout, id);
}

/** Whether a process holds the package's run lock: proof that a run lives, where the state may name any process. */
export function isRunLocked(layout: Layout, id: string): boolean {
  const lock = layout.runLock(id);
  try {
    if (statSync(lock, { throwIfNoEntry: false }) === undefined) return false;
    return isLocked(lock);
  } catch {
    return true;
  }
}

/** The pid alone proves nothing: numbers are used again, after a reboot for sure. */
export function executorLives(run: ActiveRun): boolean {
  return run.boot_id === currentBoot() && processStart(run.pid) === run.pid_start;
}

/** Whether a run of this boot is so far beyond its time limit that its executor must hang, or has been ended for that. */
export function isOverdue({ overdue_at, boot_id }: ActiveRun, now: number): boolean {
  return overdue_at != null && now >= overdue_at && boot_id === currentBoot();
}

let boot: string | undefined;

/** This boot's id, looked up once. */
export function currentBoot(): string {
  return (boot ??= bootId());
}
