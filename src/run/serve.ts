import { nextSlot } from '../job/slots.js';
import { isNoRun } from '../job/outcome.js';
import type { Outcome } from '../job/outcome.js';
import { servedFrom } from '../state/debounce.js';
import { recordLost } from '../state/lost.js';
import { runPhase, runStarted } from '../state/reduce.js';
import type { ActiveRun, PackageState, Request, Trigger } from '../state/package-state.js';
import { clearStop, readRequest, takeRequest } from '../state/store.js';
import { bootTime, makeUpAt } from './boot.js';
import { dueSlot } from './due-slot.js';
import { finish } from './finish.js';
import { clock } from './local-time.js';
import { pause } from './pause.js';
import { describe } from './report.js';
import { retryAt } from './retry.js';
import type { RunEnd } from './run.js';
import { save, signalOutcome } from './session.js';
import type { LockedSession } from './session.js';
import { attemptSources, endWithoutRun } from './turns.js';
import type { AttemptEnd, AttemptWish } from './turns.js';

/** Serves one slot or request, its retries included, under the package's run lock. */
export async function serve(session: LockedSession): Promise<RunEnd> {
  const { layout, job } = session;
  // The executor before us died, and its tool is gone, too: we hold the lock.
  if (session.state.run === null) clearStop(layout, job.id);
  else session.state = recordLost(layout, session.state, Date.now());
  const ended = await awaitPush(session);
  if (ended !== null) return ended;
  const started = exactNow();
  const pending = ripeRequest(session);
  const asked = !session.scheduled || pending !== null;
  const trigger = session.scheduled && pending !== null ? triggerOf(pending) : asked ? 'request' : 'schedule';
  const found = asked ? { slot: Infinity, from: started } : dueSlot(session, session.state, started);
  if ('outcome' in found) {
    if (session.state.run !== null) save(session, { ...session.state, run: null });
    return { outcome: found.outcome, record: null };
  }
  const request = begin(session, trigger, started);
  const wish: AttemptWish = {
    trigger,
    started,
    allowDeletes: session.allowDeletes ?? request?.allow_deletes ?? null,
    words: request?.words ?? [],
  };
  if (session.state.blocked !== null && wish.allowDeletes === null) {
    return over(session, { ...nothing(wish), outcome: stillBlocked(job.id, session.state.blocked) });
  }
  const makeUp = makeUpAt(found.slot, bootTime(started), started, job.node, job.id);
  const until = Math.max(makeUp ?? 0, found.from);
  if (until <= started) return attempts(session, wish);
  save(session, runPhase(session.state, { until }, started));
  const woken = await sleepUntil(session, wish, until);
  return 'outcome' in woken ? over(session, woken) : attempts(session, woken);
}

/** Where only a push is pending that follows another too soon: how the run ends that has slept until its time, or null. */
async function awaitPush(session: LockedSession): Promise<RunEnd | null> {
  const started = Date.now();
  const request = session.scheduled ? readRequest(session.layout, session.job.id) : null;
  if (request === null || servedFrom(request, started) <= started) return null;
  const run = activeRun(session, 'push', started);
  const outcome = await (await import('./special/index.js')).sleepUntilPush(session, request, run);
  if (outcome === null) return null;
  return over(session, { ...nothing({ trigger: 'push', started, allowDeletes: null, words: [] }), outcome });
}

/** The pending request, unless its time is still to come. */
function ripeRequest({ layout, job }: LockedSession): Request | null {
  const request = readRequest(layout, job.id);
  const now = Date.now();
  return request !== null && servedFrom(request, now) <= now ? request : null;
}

function triggerOf(request: Request): Trigger {
  return request.push === true ? 'push' : 'request';
}

/** Attempts at one slot until one ends well, or trying again does not help. Requests are tried once. */
async function attempts(session: LockedSession, first: AttemptWish): Promise<RunEnd> {
  const { job } = session;
  let wish = first;
  for (let attempt = 1; ; attempt++) {
    const end = await attemptSources(session, wish);
    if (isNoRun(end.outcome)) return over(session, end);
    const now = Date.now();
    const retries = first.trigger === 'schedule';
    const latest = Math.min(nextSlot(job.schedule, now) ?? Infinity, session.startUntilMs);
    const next = retries ? retryAt(job.retry, end.outcome, attempt, now, latest) : null;
    if (next === null) return over(session, end);
    await finish(session, end, { ...activeRun(session, 'retry', now), phase: 'retrying', until: next });
    const when = clock(next, job.timezone);
    session.say('WARNING', `${describe(end.outcome, job.timezone)}; trying again at ${when}`);
    const woken = await sleepUntil(session, { ...wish, trigger: 'retry', started: now }, next);
    if ('outcome' in woken) return over(session, woken);
    wish = woken;
  }
}

/** Sleeps as the run that the state records; a request ends the sleep, a signal the run. */
async function sleepUntil(
  session: LockedSession,
  wish: AttemptWish,
  until: number,
): Promise<AttemptWish | AttemptEnd> {
  const { interruption } = session;
  await session.watchdog.rest();
  const slept = await pause(until, interruption, () => ripeRequest(session) !== null);
  if (slept === 'interrupted') {
    return { ...nothing(wish), outcome: signalOutcome(session, 'while waiting for its time') };
  }
  const outcome = (await import('./special/index.js')).overtaken(session, wish);
  if (outcome !== null) return { ...nothing(wish), outcome };
  const started = exactNow();
  const asked = slept === 'woken' ? ripeRequest(session) : null;
  const trigger = asked === null ? wish.trigger : triggerOf(asked);
  const request = begin(session, trigger, started);
  const words = request?.words ?? wish.words;
  return { trigger, started, allowDeletes: request?.allow_deletes ?? wish.allowDeletes, words };
}

/**
 * Enters a run into the state and consumes the request that it serves, in this order: a kill -9 in between makes one run
 * too many, never one too few. Without a request nothing is written yet; the first source's turn will.
 */
function begin(session: LockedSession, trigger: Trigger, started: number): Request | null {
  const { layout, job } = session;
  session.state = runStarted(session.state, activeRun(session, trigger, started), started);
  if (readRequest(layout, job.id) === null) return null;
  save(session, session.state);
  return takeRequest(layout, job.id);
}

/** Records how it ended, but for what was no run: that leaves the slot due and nothing behind. */
async function over(session: LockedSession, end: AttemptEnd): Promise<RunEnd> {
  const { outcome } = end;
  if (!isNoRun(outcome)) return { outcome, record: await finish(session, end, null) };
  save(session, { ...session.state, run: null });
  return { outcome, record: null };
}

function activeRun(session: LockedSession, trigger: Trigger, started: number): ActiveRun {
  const { pid, pidStart, bootId } = session.self;
  return {
    phase: 'waiting',
    pid,
    pid_start: pidStart,
    boot_id: bootId,
    started: Math.floor(started),
    trigger,
    src: null,
    log: null,
    until: null,
  };
}

/** An attempt that came to nothing; the caller says why. */
function nothing(wish: AttemptWish): AttemptEnd {
  return endWithoutRun(wish, { kind: 'interrupted', reason: 'nothing was run' });
}

function stillBlocked(id: string, blocked: NonNullable<PackageState['blocked']>): Outcome {
  const since = new Date(blocked.since).toISOString();
  const reason = `since ${since} (${blocked.reason}); look at upstream, then: mirror run ${id} --allow-deletes N`;
  return { kind: 'blocked', reason };
}

/**
 * Epoch milliseconds with microseconds as fractions: log file names have them, to be apart. They come from the clock that
 * only runs forward: loading the one that knows both costs a run 1.5 ms.
 */
function exactNow(): number {
  return Date.now() + (process.hrtime()[1] % 1e6) / 1e6;
}
