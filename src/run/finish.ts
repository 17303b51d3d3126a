import { exitCode } from '../job/outcome.js';
import type { Outcome } from '../job/outcome.js';
import { appendHistory, readHistory } from '../state/history.js';
import { isInside } from '../state/inside.js';
import { runEnded, runStarted } from '../state/reduce.js';
import type { ActiveRun, RunRecord } from '../state/package-state.js';
import { clearStop } from '../state/store.js';
import { removeQuietly } from '../system/if-there.js';
import { compressLog } from './log-file.js';
import { isPruningTime, keepSeconds, pruneLogs } from './log-pruning.js';
import { recorded } from './report.js';
import { publishQuietly, save } from './session.js';
import type { LockedSession, Session } from './session.js';
import { ENDING_SIGNALS } from './signals.js';
import type { AttemptEnd } from './turns.js';

/**
 * Records an ended attempt: log closed and compressed, state, history, published files, in this order, so that whatever
 * moment a kill -9 picks, what is on disk is true and names files that exist. `retry` is the run that sleeps until the
 * next attempt at the same slot, null when this was the last.
 */
export async function finish(
  session: LockedSession,
  end: AttemptEnd,
  retry: ActiveRun | null,
): Promise<RunRecord> {
  const { job, layout } = session;
  const plain = end.log?.path ?? null;
  end.log?.close();
  const log = plain === null ? null : await keepLog(session, plain, end.outcome);
  const record = recordOf(session, end, log);
  const before = session.state;
  const ended = runEnded(before, record, end.facts);
  const replaced = end.fallback && end.outcome.kind === 'synced';
  const state = {
    ...ended,
    // The first source's probe cannot vouch for what another source left, and that one deleted nothing.
    last_full: replaced ? null : ended.last_full,
    blocked: end.fallback ? before.blocked : ended.blocked,
    // A slot is served when its last attempt is over; until then a restarted host finds it due.
    last_end: retry === null ? ended.last_end : before.last_end,
  };
  save(session, retry === null ? state : runStarted(state, retry, record.ended));
  if (end.outcome.kind === 'stopped') clearStop(layout, job.id);
  appendHistory(layout, job.id, record);
  if (plain !== null && log !== plain) removeQuietly(plain);
  if (isPruningTime(before.last?.ended ?? null, record.ended)) {
    // Any tool that may write the history could have named another file as a log.
    const own = readHistory(layout, job.id).filter(({ log }) => log !== null && isInside(log, job.log.base));
    pruneLogs(job.log.keep, session.state, own, record.ended);
  }
  publishQuietly(session);
  return record;
}

/** Exit code of a run; what a signal ended says which one. */
export function exitOf(session: Session, outcome: Outcome): number {
  const { signal } = session.interruption;
  const signalled = outcome.kind === 'interrupted' || outcome.kind === 'stopped';
  return signalled && signal !== null ? 128 + ENDING_SIGNALS[signal] : exitCode(outcome);
}

/** Null when nobody wants this log. */
async function keepLog(session: Session, path: string, outcome: Outcome): Promise<string | null> {
  const { keep, gzip } = session.job.log;
  if (keepSeconds(keep, outcome.kind) === 0) return null;
  return gzip ? compressLog(path) : path;
}

function recordOf(session: Session, end: AttemptEnd, log: string | null): RunRecord {
  const { outcome } = end;
  return {
    ...recorded(outcome),
    exit: exitOf(session, outcome),
    trigger: end.trigger,
    started: Math.floor(end.started),
    ended: Date.now(),
    src: end.src,
    log,
    transfer: end.transfer,
    ...(end.omissions.length > 0 ? { omissions: end.omissions } : {}),
  };
}
