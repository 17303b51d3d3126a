import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { Outcome } from '../job/outcome.js';
import { markDirty, publish } from '../state/publish.js';
import { readHold, readStop, takeRequest, writeState } from '../state/store.js';
import type { Hold, PackageState } from '../state/package-state.js';
import type { Say } from './console.js';
import type { Secret } from './secrets.js';
import type { Interruption } from './signals.js';
import type { Watchdog } from './watchdog.js';

/** This process, as state and tools know it. */
export interface Self {
  readonly pid: number;
  readonly pidStart: number;
  readonly bootId: string;
}

/** What a package's runs in this process work with. */
export interface Session {
  readonly layout: Layout;
  readonly job: Job;
  /** Started by a timer or cron line: due check and retries are on. */
  readonly scheduled: boolean;
  /** From the command line; a pending request may carry another. */
  readonly allowDeletes: number | null;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly interruption: Interruption;
  readonly say: Say;
  readonly self: Self;
}

/** A session that holds the package's run lock: only then is there a state to change. */
export interface LockedSession extends Session {
  readonly lock: number;
  /** Epoch ms after which nothing new begins in this process, see `job/longest`. */
  readonly startUntilMs: number;
  readonly watchdog: Watchdog;
  /** As the state file has it: what changes it also writes that, as `save` does. */
  state: PackageState;
}

/** Makes `state` the truth, on disk first. */
export function save(session: LockedSession, state: PackageState): void {
  writeState(session.layout, state);
  session.state = state;
}

/**
 * Brings the published files up to date; a web directory that is missing or full does not make a sync fail. A user with a
 * realm writes nothing outside of it: there `mirror publish` of the site's user follows the run.
 */
export function publishQuietly(session: Session): void {
  if (session.job.run_as.realm) return;
  const warn = (message: string): void => session.say('WARNING', message);
  try {
    markDirty(session.layout);
    publish(session.layout, Date.now(), warn);
  } catch (error) {
    warn(`not published: ${(error as Error).message}`);
  }
}

/** An error of this host's disks is an outcome; any other is a bug and keeps its stack for the log of the journal. */
export function troubleOutcome(error: unknown): Outcome {
  const { code, message, stack } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return { kind: 'failed', failure: 'space', reason: message };
  if (typeof code === 'string') return { kind: 'failed', failure: 'io', reason: message };
  return { kind: 'failed', failure: 'internal', reason: stack ?? message };
}

/** How a run ends that somebody's hold forbids. */
export function heldOutcome({ by, reason }: Hold): Outcome {
  return { kind: 'held', reason: `held by ${by}${reason === null ? '' : `: ${reason}`}` };
}

/** How a run ends whose package is held now, or null. */
export function heldNow(layout: Layout, id: string): Outcome | null {
  const hold = readHold(layout, id, Date.now());
  if (hold === null) return null;
  // A hold says no to whoever asked; the request must not come alive when it ends.
  takeRequest(layout, id);
  return heldOutcome(hold);
}

/** How a run that a signal ended has ended: `mirror stop` leaves word before it signals, a shutdown does not. */
export function signalOutcome(session: Session, doing: string): Outcome {
  const stop = readStop(session.layout, session.job.id);
  if (stop !== null) return { kind: 'stopped', reason: `stopped by ${stop.by} ${doing}` };
  return { kind: 'interrupted', reason: `${session.interruption.signal ?? 'signal'} ${doing}` };
}
