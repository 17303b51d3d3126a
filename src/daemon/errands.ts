import { askRoot } from '../boundary/root-service.js';
import { due } from '../job/due.js';
import { siteLayout } from '../job/layout.js';
import type { Layout } from '../job/layout.js';
import { executorLives } from '../state/alive.js';
import type { ActiveRun } from '../state/package-state.js';
import { idsIn, peekState, readBaseline, readHold } from '../state/store.js';
import { isProvenExecutor, signalExecutor } from '../run/special/orphan.js';
import { readApplied, type Applied } from './applied.js';

/**
 * What the daemon sends a process for, because it needs paths that a user other than root owns: states and locks. Such a
 * process works with the rights of that user, tells the daemon by orders, and ends; one that hangs holds up nothing.
 */
export const ERRANDS = { 'find-due': findDue, 'end-runs': endRuns } as const;

export type Errand = keyof typeof ERRANDS;

/** Milliseconds between two looks at runs that were told to end. */
const LOOK_MS = 100;

/** Has the daemon start every package that missed a slot while no daemon ran, or that a request waits for. */
function findDue(layout: Layout): Promise<void> {
  const applied = readApplied(layout);
  for (const id of applied === null ? [] : dueNow(layout, applied, Date.now())) askRoot(`start ${id}`);
  return Promise.resolve();
}

/** The executor looks again. */
function dueNow({ root }: Layout, { site, jobs }: Applied, now: number): string[] {
  const layout = siteLayout(root, site.packages);
  const asked = new Set(idsIn(layout, 'request'));
  return [...jobs].flatMap(([id, { schedule, min_gap }]) => {
    try {
      if (readHold(layout, id, now) !== null) return [];
      const lastEnd = peekState(layout, id).last_end;
      const facts = { baseline: readBaseline(layout, id), lastEnd, minGap: min_gap, now };
      return asked.has(id) || due(schedule, facts).due ? [id] : [];
    } catch (error) {
      process.stderr.write(`mirror: ${id}: ${(error as Error).message}\n`);
      return [];
    }
  });
}

/**
 * Ends the runs of this process's user that the daemon did not start itself (a person, a push, an earlier daemon did), and
 * waits for them. SIGTERM means that patience is over: what still lives is killed. A run is what holds its package's lock,
 * because a state could name any process.
 */
async function endRuns(installed: Layout): Promise<void> {
  const applied = readApplied(installed);
  if (applied === null) return;
  const layout = siteLayout(installed.root, applied.site.packages);
  const patience = { isOver: false };
  process.on('SIGTERM', () => (patience.isOver = true));
  // The daemon answers otherwise for its own children, which it tells itself.
  let living = provenRuns(layout, applied).filter(({ run }) => askRoot(`end ${String(run.pid)}`) === null);
  for (const proven of living) signal(layout, proven, 'SIGTERM');
  askRoot('all-told');
  while (living.length > 0) {
    await new Promise((next) => setTimeout(next, LOOK_MS));
    const gone = living.filter(({ run }) => !executorLives(run));
    living = living.filter((one) => !gone.includes(one));
    for (const { run } of gone) askRoot(`ended ${String(run.pid)}`);
    if (patience.isOver) for (const proven of living) signal(layout, proven, 'SIGKILL');
  }
}

interface ProvenRun {
  readonly id: string;
  readonly run: ActiveRun;
}

function provenRuns(layout: Layout, { jobs }: Applied): ProvenRun[] {
  return [...jobs.keys()].flatMap((id) => {
    try {
      const { run } = peekState(layout, id);
      return run !== null && isProvenExecutor(layout, id, run) ? [{ id, run }] : [];
    } catch {
      // A state that cannot be read names no run.
      return [];
    }
  });
}

function signal(layout: Layout, { id, run }: ProvenRun, name: NodeJS.Signals): void {
  try {
    signalExecutor(layout, id, run, name);
  } catch {
    // It ended by itself this moment.
  }
}
