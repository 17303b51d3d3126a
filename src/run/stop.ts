import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { executorLives } from '../state/alive.js';
import { repair } from '../state/repair.js';
import { clearStop, peekState, takeRequest, writeStop } from '../state/store.js';
import { endLeftovers, endOrphans } from './special/orphan.js';
import { commandUnit, unitIsActive, unitToStart } from './unit.js';

/** The executor kills its tool after 10 s; then it has a log to compress and a state to write. */
const PATIENCE = 30_000;

export type StopEnd = 'stopped' | 'not-running' | 'still-running';

/**
 * Ends a package's run on any backend, together with a request that waits behind it: word is left first, so that the run
 * ends as `stopped` and not as interrupted, then the unit or the executor is told, then its end is awaited. What a dead
 * executor left behind is ended too. Throws the system's error when the run is somebody else's.
 */
export async function stopRun(layout: Layout, job: Job, by: string): Promise<StopEnd> {
  takeRequest(layout, job.id);
  const { run } = peekState(layout, job.id);
  const unit = unitToStart(job, layout);
  const active = unit !== null && unitIsActive(unit);
  if (run === null && !active) return (await endLeftovers(layout, job.id)) > 0 ? 'stopped' : 'not-running';
  writeStop(layout, job.id, { at: Date.now(), by });
  if (active) {
    const problem = await commandUnit(layout, 'stop', job.id, unit);
    if (problem !== null) throw new Error(problem);
  } else if (run !== null && executorLives(run)) {
    process.kill(run.pid, 'SIGTERM');
  } else if (run !== null) {
    await endOrphans(layout, job.id, run);
    repair(layout, Date.now());
  }
  return awaitEnd(layout, job.id, run?.pid ?? 0);
}

async function awaitEnd(layout: Layout, id: string, pid: number): Promise<StopEnd> {
  for (let waited = 0; waited < PATIENCE; waited += 100) {
    const { run } = peekState(layout, id);
    if (run === null || run.pid !== pid || !executorLives(run)) {
      clearStop(layout, id);
      return 'stopped';
    }
    await new Promise((next) => setTimeout(next, 100));
  }
  return 'still-running';
}
