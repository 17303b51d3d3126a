import type { Intent } from '../plan/assemble.js';
import type { Plan } from '../plan/plan.js';
import { daemonReload, startUnits, stopUnits } from '../system/systemctl.js';
import type { System } from '../system/system.js';
import type { Request } from './apply.js';
import { drivesSystemd, touchesUnits } from './heal.js';
import type { Journal } from './journal.js';
import { perform, type Operation } from './operation.js';
import type { PreparedState } from './prepare-state.js';
import type { StateHalf } from './state-half.js';

/** Other processes of the mirror user can keep its children from ending, and apply holds its lock meanwhile. */
const CHILD_LIMIT_MS = 600_000;

/** What an apply does to files, in this order. */
export interface Work {
  /** Directories, of which those that are handed over are so after all else. */
  readonly places: readonly Operation[];
  readonly state: PreparedState;
  readonly files: readonly Operation[];
}

/**
 * The changes themselves. Timers that go away are stopped while their files are still there, so that none fires a
 * service without a job; one daemon-reload takes up changed timers as well. Returns messages for people; throws when a
 * step fails, and then everything is to be rolled back.
 */
export async function carryOut(
  work: Work,
  half: StateHalf,
  journal: Journal,
  { layout }: Intent,
  request: Request,
  plan: Plan,
  system: System,
): Promise<string[]> {
  const isDriven = drivesSystemd(layout, system);
  if (isDriven) await stopUnits(system, journal.stop);
  const messages = request.stopRemoved ? await stopRuns(request, plan, layout.root, system) : [];
  const [handOvers, places] = [work.places.filter(isHandOver), work.places.filter((one) => !isHandOver(one))];
  performAll(places, system);
  if (work.state.operations.length > 0) half.perform(work.state.operations);
  performAll(work.files, system);
  performAll(handOvers, system);
  if (isDriven && touchesUnits(journal, layout)) await daemonReload(system);
  if (isDriven) await startUnits(system, journal.start);
  return messages;
}

/** What follows a finished apply and cannot undo it: publishing, and what systemd remembered of removed timers. */
export async function finish(
  journal: Journal,
  { site, layout }: Intent,
  { program }: Request,
  system: System,
): Promise<string[]> {
  const messages: string[] = [];
  if (drivesSystemd(layout, system)) {
    for (const unit of journal.stop) system.unlink(`/var/lib/systemd/timers/stamp-${unit}`);
  } else if (layout.root === '' && site.settings.scheduler === 'systemd') {
    messages.push('systemd is not running here: the timers start when it does');
  }
  const publish = [...program, 'publish', ...rootOption(layout.root)];
  const result = await system.run(publish, CHILD_LIMIT_MS);
  if (result.code !== 0) messages.push(`applied, but publishing failed: ${result.stderr.trim()}`);
  return messages;
}

function performAll(operations: readonly Operation[], system: System): void {
  system.together(() => {
    for (const operation of operations) perform(operation, system);
  });
}

function isHandOver({ kind }: Operation): boolean {
  return kind === 'hand-over';
}

/** Ends running syncs of packages that go away, while their jobs are still there to be understood. */
async function stopRuns(request: Request, plan: Plan, root: string, system: System): Promise<string[]> {
  const ids = plan.packages.flatMap(({ id, kind }) => (kind === 'removed' ? [id] : []));
  if (ids.length === 0) return [];
  const stop = [...request.program, 'stop', ...rootOption(root), '--', ...ids];
  const result = await system.run(stop, CHILD_LIMIT_MS);
  return result.code === 0 ? [] : [`a removed package may still be running: ${result.stderr.trim()}`];
}

function rootOption(root: string): string[] {
  return root === '' ? [] : ['--root', root];
}
