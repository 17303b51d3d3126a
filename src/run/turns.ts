import { dirname } from 'node:path';
import { LONGEST_WAIT, turnSeconds } from '../job/longest.js';
import type { Omission } from '../job/omission.js';
import { isError, isNoRun, isSuccess, isThrough } from '../job/outcome.js';
import type { Outcome } from '../job/outcome.js';
import { nextSlot } from '../job/slots.js';
import { lackOfRoom } from '../state/disk-room.js';
import type { EndFacts } from '../state/reduce.js';
import { runPhase } from '../state/reduce.js';
import type { Transfer, Trigger } from '../state/package-state.js';
import type { Level } from './console.js';
import type { Lock } from '../system/flock.js';
import { acquireSlots, releaseAll } from './limits.js';
import { localTimes } from './local-time.js';
import { openLog } from './log-file.js';
import type { LogFile } from './log-file.js';
import { describe } from './report.js';
import { publishQuietly, save, signalOutcome, troubleOutcome } from './session.js';
import type { LockedSession } from './session.js';
import { runSteps } from './steps.js';

/** One attempt at a sync: its sources in turn, until one is not unavailable. */
export interface AttemptEnd {
  readonly outcome: Outcome;
  readonly trigger: Trigger;
  readonly started: number;
  /** The source that was used last; null when none was reached. */
  readonly src: string | null;
  readonly log: LogFile | null;
  readonly transfer: Transfer | null;
  readonly facts: EndFacts;
  readonly fallback: boolean;
  readonly omissions: readonly Omission[];
}

/** What an attempt is for; `started` is epoch ms with fractions. */
export interface AttemptWish {
  readonly trigger: Trigger;
  readonly started: number;
  readonly allowDeletes: number | null;
  /** What upstream's push said. */
  readonly words: readonly string[];
}

/** The end of an attempt of which nothing was run. */
export function endWithoutRun(wish: AttemptWish, outcome: Outcome): AttemptEnd {
  return {
    ...wish,
    outcome,
    src: null,
    log: null,
    transfer: null,
    facts: {},
    fallback: false,
    omissions: [],
  };
}

/** Takes slots, runs the first source's steps, and goes on to the next source only when upstream is unavailable. */
export async function attemptSources(session: LockedSession, wish: AttemptWish): Promise<AttemptEnd> {
  let end = endWithoutRun(wish, { kind: 'failed', failure: 'config', reason: 'the job has no source' });
  for (const [index] of session.job.attempts.entries()) {
    if (index > 0 && Date.now() > session.startUntilMs) return end;
    const previous = end.outcome;
    end = await turn(session, wish, end, index);
    // The next source's turn did not come: how the one before it ended is what there is to say.
    if (isNoRun(end.outcome) && index > 0) return { ...end, outcome: previous };
    if (end.outcome.kind !== 'failed' || end.outcome.failure !== 'unavailable') return end;
    const why = localTimes(end.outcome.reason, session.job.timezone);
    end.log?.note('WARNING', `${end.src ?? 'source'}: ${why}`);
  }
  return end;
}

async function turn(
  session: LockedSession,
  wish: AttemptWish,
  sofar: AttemptEnd,
  index: number,
): Promise<AttemptEnd> {
  const { job, layout } = session;
  const source = job.attempts[index];
  if (!source) return sofar;
  await session.watchdog.rest();
  const slots = await slotsFor(session, index, wish);
  if (!Array.isArray(slots)) return { ...sofar, outcome: slots };
  try {
    const began = Date.now();
    const limit = session.state.last_success === null ? job.first_sync.max_runtime : job.max_runtime;
    const overdue_at = began + turnSeconds(limit) * 1000;
    session.watchdog.begin(overdue_at);
    const log = sofar.log ?? openLog(job, wish.started);
    const lacking = lackOfRoom(dirname(layout.stateFile(job.id))) ?? lackOfRoom(dirname(log.path));
    if (lacking !== null) {
      return {
        ...sofar,
        src: source.src,
        log,
        outcome: { kind: 'failed', failure: 'space', reason: lacking },
      };
    }
    save(
      session,
      runPhase(
        session.state,
        { phase: 'running', src: source.src, log: log.path, until: null, overdue_at },
        began,
      ),
    );
    const begins = `from ${source.src === '' ? 'this host' : source.src} (${wish.trigger})`;
    log.note('INFO', `${job.id} ${begins}`);
    session.say('INFO', begins);
    const end = await runSteps({
      session,
      source,
      fallback: index > 0,
      slots,
      log,
      deadline: began + limit * 1000,
      allowDeletes: wish.allowDeletes,
      trigger: wish.trigger,
      words: wish.words,
      syncing: () => publishQuietly(session),
    });
    for (const { kind, text } of end.omissions) log.note(kind === 'closed' ? 'INFO' : 'WARNING', text);
    log.note(levelOf(end.outcome), describe(end.outcome, job.timezone));
    return { ...sofar, ...end, outcome: heard(end.outcome, log), src: source.src, log, fallback: index > 0 };
  } catch (error) {
    return { ...sofar, src: source.src, outcome: troubleOutcome(error) };
  } finally {
    releaseAll(slots);
  }
}

/** How much an outcome matters to whoever reads the log. */
export function levelOf(outcome: Outcome): Level {
  if (isError(outcome)) return 'ERROR';
  if (outcome.kind === 'not-due') return 'DEBUG';
  return ['partial', 'incomplete', 'interrupted'].includes(outcome.kind) ? 'WARNING' : 'INFO';
}

/** The slots that a source's turn needs, or how the run ends without them. */
async function slotsFor(
  session: LockedSession,
  index: number,
  attempt: AttemptWish,
): Promise<Lock[] | Outcome> {
  const { job, layout, interruption, state } = session;
  const source = job.attempts[index];
  const now = Date.now();
  const next = nextSlot(job.schedule, now);
  // A tree that this host is the master of is looked at, and no more.
  if (job.method === 'local' || !source) return [];
  const wish = {
    id: job.id,
    upstream: source.upstream,
    limits: job.limits,
    lastSuccess: state.last_success,
    until: Math.min(next ?? Infinity, now + LONGEST_WAIT * 1000, session.startUntilMs),
  };
  const slots = await acquireSlots(layout, wish, interruption, () => {
    session.say('INFO', 'waiting for a free slot');
    save(session, runPhase(session.state, { phase: 'waiting', overdue_at: null }, Date.now()));
  });
  if (slots === 'busy') return { kind: 'busy', reason: 'no free slot until the next one is due' };
  if (slots === 'interrupted') return signalOutcome(session, 'while waiting for a slot');
  const hasWaited = session.state !== state;
  const outcome = hasWaited ? (await import('./special/index.js')).overtaken(session, attempt) : null;
  if (outcome !== null) releaseAll(slots);
  return outcome ?? slots;
}

/** A success is none where the log is full: what a tool said there decides, with its exit code, how it ended. */
function heard(outcome: Outcome, log: LogFile): Outcome {
  const lost = log.lost();
  const claims = isSuccess(outcome) || isThrough(outcome);
  return lost !== null && claims ? troubleOutcome(lost) : outcome;
}
