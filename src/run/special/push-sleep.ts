import type { Outcome } from '../../job/outcome.js';
import { servedFrom } from '../../state/debounce.js';
import type { ActiveRun, Request } from '../../state/package-state.js';
import { runStarted } from '../../state/reduce.js';
import { readRequest } from '../../state/store.js';
import { dueSlot } from '../due-slot.js';
import { pause } from '../pause.js';
import { save, signalOutcome } from '../session.js';
import type { LockedSession } from '../session.js';
import { overtaken } from './overtaken.js';

/**
 * Sleeps as `run` until the time of a push that follows another too soon, as one run for all that come; not while a slot is
 * due. How the run ends that need not begin any longer, or null.
 */
export async function sleepUntilPush(
  session: LockedSession,
  request: Request,
  run: ActiveRun,
): Promise<Outcome | null> {
  const { layout, job, interruption, state } = session;
  if ('slot' in dueSlot(session, state, run.started)) return null;
  const until = servedFrom(request, run.started);
  save(session, runStarted(state, { ...run, until }, run.started));
  const slept = await pause(until, interruption, () => {
    const pending = readRequest(layout, job.id);
    const now = Date.now();
    return pending === null || servedFrom(pending, now) <= now;
  });
  return slept === 'interrupted'
    ? signalOutcome(session, 'while waiting for its time')
    : overtaken(session, null);
}
