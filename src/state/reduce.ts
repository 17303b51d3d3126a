import { isSuccess, isThrough } from '../job/outcome.js';
import type { ActiveRun, PackageState, RunRecord } from './package-state.js';

/** What a finished run learnt beside its outcome; leave out what it did not. */
export interface EndFacts {
  /** What dst holds, after a full pass. */
  readonly size?: PackageState['size'];
  readonly dst?: PackageState['dst'];
  /** The commands of a pass over the whole of dst; see `PackageState.full_of`. */
  readonly full_of?: number;
  /** The delete guard tripped in this run: the number of deletions it would have allowed. */
  readonly tripped?: number;
  /** Upstream's own time. */
  readonly freshness?: PackageState['freshness'];
}

/** mirror.py's four words. */
export type PublishedStatus = 'ACTIVE' | 'SYNC' | 'ERROR' | 'UNKNOWN';

/**
 * A run holds the run lock and begins, or sleeps before a retry. A dead run that was never recorded as ended is
 * overwritten: call `runLost` first to keep it in `last`.
 */
export function runStarted(state: PackageState, run: ActiveRun, now: number): PackageState {
  return stamped(state, { ...state, run }, now);
}

/** Something about the current run became known or changed: phase, source, log. */
export function runPhase(state: PackageState, change: Partial<ActiveRun>, now: number): PackageState {
  if (state.run === null) return state;
  return stamped(state, { ...state, run: { ...state.run, ...change } }, now);
}

/**
 * A run ended. `busy`, `not-due` and `held` are no runs and leave the state as it was.
 * - synced, unchanged, partial: success; clears the error count and time; a pass over the whole of dst lifts the block.
 * - incomplete: neither success nor error.
 * - failed, timed-out, blocked: one more error.
 * - stopped: neither; its slot counts as served. interrupted: neither; its slot stays due.
 * `last_full` moves after `synced` only: `partial` left files out, `unchanged` looked at none.
 */
export function runEnded(state: PackageState, record: RunRecord, facts: EndFacts = {}): PackageState {
  const { ended, log } = record;
  const kept = { size: facts.size ?? state.size, dst: facts.dst ?? state.dst };
  // A success that learnt no time is one of a package that does not ask for it any longer.
  const freshness =
    isSuccess({ kind: record.outcome }) || facts.freshness ? facts.freshness : state.freshness;
  const omissions = isThrough({ kind: record.outcome }) ? record.omissions : state.omissions;
  const base: PackageState = {
    ...state,
    ...kept,
    freshness,
    omissions,
    run: null,
    last: record,
    last_end: ended,
  };
  switch (record.outcome) {
    case 'busy':
    case 'not-due':
    case 'held':
      return state;
    case 'synced':
      return stamped(
        state,
        { ...succeeded(base, record), last_full: ended, full_of: facts.full_of ?? null, blocked: null },
        ended,
      );
    case 'partial':
      return stamped(state, { ...succeeded(base, record), blocked: null }, ended);
    case 'unchanged':
      return stamped(state, succeeded(base, record), ended);
    case 'incomplete':
    case 'stopped':
      return stamped(state, base, ended);
    case 'interrupted':
      return stamped(state, { ...base, last_end: state.last_end }, ended);
    case 'failed':
    case 'timed-out':
    case 'blocked': {
      const failed = {
        ...base,
        errors: state.errors + 1,
        last_error: ended,
        last_error_log: log ?? state.last_error_log,
      };
      return stamped(state, { ...failed, blocked: latched(state, record, facts) }, ended);
    }
  }
}

/** Why an executor left no word: `mirror stop` had to use SIGKILL, it hung beyond its limit, or nobody knows. */
export type Loss = 'stopped' | 'timed-out' | 'interrupted';

const LOSSES: Readonly<Record<Loss, string>> = {
  stopped: 'stopped; ended by SIGKILL',
  'timed-out': 'the executor hung beyond its time limit; ended by SIGKILL',
  interrupted: 'the executor died before it could record the end',
};

/**
 * The executor died without a word (kill -9, power failure) and its lock is free: the run was interrupted, its slot stays
 * due; or it was ended because it no longer obeyed.
 */
export function runLost(state: PackageState, now: number, loss: Loss = 'interrupted'): PackageState {
  if (state.run === null) return state;
  const { trigger, started, src, log } = state.run;
  return runEnded(state, {
    outcome: loss,
    failure: null,
    reason: LOSSES[loss],
    exit: 137,
    trigger,
    started,
    ended: now,
    src,
    log,
    transfer: null,
  });
}

/** A package got another id (`renamed_from`): its history goes with it; a run under the old name does not. */
export function renamed(state: PackageState, id: string): PackageState {
  return { ...state, id, run: null };
}

/**
 * mirror.py's status as far as the state alone tells; `status.ts` adds hold, staleness and whether the run lives.
 * A run that waits for a slot or sleeps before a retry transfers nothing: the status before it stands.
 */
export function publishedStatus(state: PackageState): PublishedStatus {
  if (state.run?.phase === 'running') return 'SYNC';
  if (state.blocked !== null || state.errors > 0) return 'ERROR';
  return state.last_success === null ? 'UNKNOWN' : 'ACTIVE';
}

function succeeded(state: PackageState, record: RunRecord): PackageState {
  const last_success_log = record.log ?? state.last_success_log;
  return { ...state, last_success: record.ended, last_success_log, errors: 0, last_error: null };
}

/** A later run that only found the latch closed does not move it. */
function latched(state: PackageState, record: RunRecord, facts: EndFacts): PackageState['blocked'] {
  if (record.outcome !== 'blocked') return state.blocked;
  if (facts.tripped === undefined && state.blocked !== null) return state.blocked;
  return {
    since: record.ended,
    limit: facts.tripped ?? 0,
    reason: record.reason ?? 'the delete guard tripped',
  };
}

function stamped(before: PackageState, after: PackageState, now: number): PackageState {
  return publishedStatus(before) === publishedStatus(after) ? after : { ...after, changed: now };
}
