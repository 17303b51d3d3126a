import { askRoot, isHandedOver } from '../boundary/root-service.js';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { executorLives, isRunLocked } from '../state/alive.js';
import type { ActiveRun } from '../state/package-state.js';
import { repair } from '../state/repair.js';
import { clearStop, peekState, takeRequest, writeStop } from '../state/store.js';
import { killRun } from './special/end-run.js';
import { endLeftovers, endOrphans, isProvenExecutor, signalExecutor } from './special/orphan.js';
import { commandUnit, unitIsActive, unitToStart } from './unit.js';

/** The executor kills its tool after 10 s; then it has a log to compress and a state to write. */
const PATIENCE_MS = 30_000;

export type StopEnd = 'stopped' | 'not-running' | 'still-running';

/**
 * Ends a package's run on any backend, together with a request that waits behind it: word is left first, so that the run
 * ends as `stopped` and not as interrupted, then the unit or the executor is told, then its end is awaited. What a dead
 * executor left behind is ended too. Throws when the run belongs to another user, or systemd refuses.
 */
export async function stopRun(layout: Layout, job: Job, by: string): Promise<StopEnd> {
  const { id } = job;
  takeRequest(layout, id);
  const { run } = peekState(layout, id);
  const unit = unitToStart(job, layout);
  const isActive = unit !== null && unitIsActive(unit);
  const since = Date.now();
  if (run === null && !isActive) return (await endLeftovers(layout, id)) > 0 ? 'stopped' : 'not-running';
  writeStop(layout, id, { at: since, by });
  if (isActive) {
    const problem = await commandUnit(layout, 'stop', id, unit);
    if (problem !== null) throw new Error(problem);
  } else if (run !== null) {
    if (executorLives(run)) tellExecutor(layout, id, run);
    else await endOrphans(layout, id, run);
  }
  return awaitEnd(layout, id, { run, unit, since });
}

/** Sends SIGTERM to the executor. Another user's run is that user's to end, which root arranges. */
function tellExecutor(layout: Layout, id: string, run: ActiveRun): void {
  if (signalExecutor(layout, id, run, 'SIGTERM') || !isRunLocked(layout, id)) return;
  const problem = isHandedOver()
    ? askRoot(`stop ${id}`)
    : `process ${String(run.pid)} is not this user's to end; use sudo`;
  if (problem !== null) throw new Error(problem);
}

interface Stopping {
  /** As the state named it when the stop was asked for. */
  readonly run: ActiveRun | null;
  readonly unit: string | null;
  /** Epoch ms at which the stop was asked for. */
  readonly since: number;
}

/** A run that ended by itself before it heard of the stop was not stopped. */
function endedBy(layout: Layout, id: string, since: number): StopEnd {
  const { last } = peekState(layout, id);
  return last?.outcome === 'stopped' && last.ended >= since ? 'stopped' : 'not-running';
}

/** Without a look at the lock for as long as the executor itself has it open: looking takes it for a moment. */
function isProvenAlive(layout: Layout, id: string, run: ActiveRun): boolean {
  return isProvenExecutor(layout, id, run) || isRunLocked(layout, id);
}

/**
 * Waits until neither the unit nor the run's lock is anyone's; a run that died without a word is recorded. An executor that
 * hangs hears no SIGTERM: it is killed when patience is over.
 */
async function awaitEnd(layout: Layout, id: string, { run, unit, since }: Stopping): Promise<StopEnd> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += 100) {
    const { run: now } = peekState(layout, id);
    const isAnother = now !== null && run !== null && now.pid !== run.pid;
    const isOver = now === null || isAnother || !isProvenAlive(layout, id, now);
    if (isOver && (isAnother || unit === null || !unitIsActive(unit))) {
      if (now !== null && !isAnother) repair(layout, Date.now());
      clearStop(layout, id);
      return endedBy(layout, id, since);
    }
    await new Promise((next) => setTimeout(next, 100));
  }
  // systemd has killed by then what runs in a unit.
  if (run === null || unit !== null) return 'still-running';
  await killRun(layout, id, run);
  repair(layout, Date.now());
  return isRunLocked(layout, id) ? 'still-running' : endedBy(layout, id, since);
}
