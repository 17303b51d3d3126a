import type { Layout } from '../../job/layout.js';
import type { ActiveRun } from '../../state/package-state.js';
import { peekState } from '../../state/store.js';
import { readJob } from '../job-file.js';
import { commandUnit, unitOf } from '../unit.js';
import { endOrphans, signalExecutor } from './orphan.js';

/**
 * Ends a run that obeys nothing, with SIGKILL: its executor, if that process really has the run's lock open, and then what
 * its tool left. Throws when the run is another user's.
 */
export async function killRun(layout: Layout, id: string, run: ActiveRun): Promise<void> {
  signalExecutor(layout, id, run, 'SIGKILL');
  await endOrphans(layout, id, run);
}

/**
 * Ends the run of a package that has gone on beyond every limit of its own, because its executor hangs, or died and left its
 * tool behind: through systemd where it has a unit. Null when that was done or begun, else what went wrong.
 */
export async function endOverdueRun(layout: Layout, id: string): Promise<string | null> {
  const { run } = peekState(layout, id);
  if (run === null) return null;
  try {
    const unit = unitOfRun(layout, id);
    if (unit !== null) return await commandUnit(layout, 'stop', id, unit);
    await killRun(layout, id, run);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Null as well where the package is applied no longer: then there is a process at most. */
function unitOfRun(layout: Layout, id: string): string | null {
  try {
    return unitOf(readJob(layout, id), layout);
  } catch {
    return null;
  }
}
