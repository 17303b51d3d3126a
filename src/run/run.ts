import { startingSeconds } from '../job/longest.js';
import type { Outcome } from '../job/outcome.js';
import { SERVING } from '../job/serving.js';
import type { RunRecord } from '../state/package-state.js';
import { lookAtState, peekState, readRequest, writeRequest } from '../state/store.js';
import { tryLock } from '../system/flock.js';
import type { Lock } from '../system/flock.js';
import { dueSlot } from './due-slot.js';
import { tell } from './report.js';
import { serve } from './serve.js';
import { heldNow } from './session.js';
import type { Session } from './session.js';
import { levelOf } from './turns.js';
import { makeWatchdog } from './watchdog.js';

/** Seconds to wait for a run lock that a status check may hold for a moment. */
const LOCK_PATIENCE = 0.3;

/** How a call of `mirror run` ended; no record where nothing was run (busy, held, not due). */
export interface RunEnd {
  readonly outcome: Outcome;
  readonly record: RunRecord | null;
}

/**
 * One call of `mirror run`: at most one run of the package at a time, whoever starts it. Without `scheduled` it is a
 * request and always runs; a request that comes during a run makes exactly one more. `by` names who asks.
 */
export async function run(session: Session, by: string): Promise<RunEnd> {
  const { layout, job, interruption } = session;
  const refused = refuse(session);
  if (refused) return { outcome: refused, record: null };
  let lock = await lockRun(session);
  if (lock === null && !session.scheduled) {
    writeRequest(layout, job.id, { at: Date.now(), by, allow_deletes: session.allowDeletes });
    // The running one may have looked for requests just before ours was there; then its lock is free now.
    lock = tryLock(layout.runLock(job.id));
  }
  if (lock === null) return { outcome: { kind: 'busy', reason: busyReason(session) }, record: null };
  const began = Date.now();
  const startUntilMs = began + startingSeconds(job) * 1000;
  let current = session;
  for (;;) {
    const end = await serveUnder(lock, current, startUntilMs);
    // Looked at after letting go: whoever asks from now on finds the lock free and runs by itself.
    if (interruption.signal !== null || end.outcome.kind === 'stopped') return end;
    if (
      Date.now() > began + SERVING * 1000 ||
      readRequest(layout, job.id) === null ||
      refuse(session) !== null
    )
      return end;
    const applied = (await import('./special/index.js')).jobToServe(current);
    if (applied === null) return end;
    lock = tryLock(layout.runLock(job.id), LOCK_PATIENCE);
    if (lock === null) return end;
    current = { ...session, job: applied, scheduled: true, allowDeletes: null };
    // The last one's end is the caller's to say.
    session.say(levelOf(end.outcome), tell(end.outcome, end.record, job.timezone));
  }
}

async function serveUnder(lock: Lock, session: Session, startUntilMs: number): Promise<RunEnd> {
  const { layout, job, say } = session;
  const watchdog = makeWatchdog();
  try {
    const seen = lookAtState(layout, job.id);
    const warn = (message: string): void => say('WARNING', message);
    const isWhole = seen.unreadable === null;
    const state = isWhole ? seen.state : (await import('./special/index.js')).readState(layout, job.id, warn);
    return await serve({ ...session, lock: lock.fd, state, startUntilMs, watchdog });
  } finally {
    await watchdog.rest();
    lock.release();
  }
}

/** Why nothing should run now, found out without the lock: held, or started by a timer with no slot due. */
function refuse(session: Session): Outcome | null {
  const { layout, job } = session;
  const held = heldNow(layout, job.id);
  if (held !== null) return held;
  if (!session.scheduled || readRequest(layout, job.id) !== null) return null;
  const found = dueSlot(session, peekState(layout, job.id), Date.now());
  return 'outcome' in found ? found.outcome : null;
}

async function lockRun(session: Session): Promise<Lock | null> {
  const { layout, job } = session;
  const lock = tryLock(layout.runLock(job.id), LOCK_PATIENCE);
  if (lock !== null) return lock;
  const state = peekState(layout, job.id);
  const limit = state.last_success === null ? job.first_sync.max_runtime : job.max_runtime;
  return (await import('./special/index.js')).takeOver(layout, state, limit, Date.now());
}

function busyReason(session: Session): string {
  return session.scheduled ? 'already running' : 'already running; one more run will follow it';
}
