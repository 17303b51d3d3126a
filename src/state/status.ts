import type { PublishedPackage } from '../job/site-file.js';
import type { ActiveRun, Hold, PackageState } from './package-state.js';
import { publishedStatus } from './reduce.js';
import type { PublishedStatus } from './reduce.js';

/** How a package is, in our words; one word, the one an operator needs first. */
export type Word =
  | 'syncing'
  | 'waiting'
  | 'retrying'
  | 'disabled'
  | 'held'
  | 'unreadable'
  | 'blocked'
  | 'stale'
  | 'failed'
  | 'timed-out'
  | 'interrupted'
  | 'stopped'
  | 'incomplete'
  | 'ok'
  | 'never ran';

/** What the state file does not know; `view` is pure, so its callers find out. */
export interface Facts {
  readonly hold: Hold | null;
  /** Why nothing is known of a package that has run, or null; see `lookAtState`. */
  readonly unreadable: string | null;
  /** Whether `state.run` is a run that still lives; its record alone is not believed. */
  readonly alive: boolean;
  /** Only asked for `local` packages without a schedule. */
  readonly dstExists: boolean;
  /** Epoch ms since when apply expects runs; staleness of a package that never succeeded counts from here. */
  readonly baseline: number | null;
}

export interface View {
  readonly word: Word;
  readonly published: PublishedStatus;
  /** Epoch ms since when `published` has been so. */
  readonly since: number;
  /** One line for people, or null. */
  readonly reason: string | null;
  /** No success for longer than `stale_after`, or an old upstream, whatever word comes first. */
  readonly stale: boolean;
  /** Upstream's own time is older than it may be. */
  readonly upstreamOld: boolean;
  /** The run in progress, null when there is none that lives. */
  readonly run: ActiveRun | null;
}

/** A success time this far ahead of the clock was written by a wrong clock, and proves nothing. */
const CLOCK_SLACK = 3_600_000;

/**
 * How a package is at `now` (epoch ms): our word and mirror.py's. A living sync is SYNC whatever else is true, because
 * that is what the files are going through; disabled, held, blocked and stale packages are never ACTIVE.
 */
export function view(pkg: PublishedPackage, state: PackageState, facts: Facts, now: number): View {
  const run = facts.alive ? state.run : null;
  const settled = run === state.run ? state : { ...state, run };
  const base = publishedStatus(settled);
  const stale = staleSince(pkg, state, facts.baseline, now);
  const is = (
    word: Word,
    published: PublishedStatus,
    reason: string | null,
    since = state.changed,
  ): View => ({
    word,
    published,
    since,
    reason,
    stale: stale !== null,
    upstreamOld: oldUpstreamSince(state, now) !== null,
    run,
  });

  if (run?.phase === 'running') return is('syncing', 'SYNC', null);
  if (pkg.disabled) return is('disabled', 'UNKNOWN', null);
  if (facts.hold) {
    return is('held', 'UNKNOWN', heldBecause(facts.hold), Math.max(state.changed, facts.hold.since));
  }
  if (facts.unreadable !== null) return is('unreadable', 'UNKNOWN', facts.unreadable);
  if (state.blocked) return is('blocked', 'ERROR', state.blocked.reason);
  const published = stale === null ? base : 'ERROR';
  if (run?.phase === 'retrying') return is('retrying', published, state.last?.reason ?? null);
  if (run?.phase === 'waiting') return is('waiting', published, 'waiting for a free slot');
  if (state.errors > 0 && state.last && isFailure(state.last.outcome)) {
    return is(state.last.outcome, 'ERROR', state.last.reason);
  }
  if (stale !== null) {
    return is(
      'stale',
      'ERROR',
      staleBecause(pkg, state, facts.baseline, now),
      Math.max(state.changed, stale),
    );
  }
  if (isStandingLocal(pkg, state)) {
    if (facts.dstExists) return is('ok', 'ACTIVE', null);
    // Its success is history: being there was all it had to do.
    if (base === 'ACTIVE') return is('failed', 'ERROR', `${pkg.dst} is missing`);
  }
  if (state.run !== run) return is('interrupted', base, 'the executor died before it could record the end');
  return is(settledWord(settled), base, settled.last?.reason ?? null);
}

/** Epoch ms at which a package became stale, or null when it is not: without a success, or with an upstream that is old. */
export function staleSince(
  pkg: PublishedPackage,
  state: PackageState,
  baseline: number | null,
  now: number,
): number | null {
  return withoutSuccessSince(pkg, state, baseline, now) ?? oldUpstreamSince(state, now);
}

/** Epoch ms since when upstream's own time is older than it may be, or null. */
function oldUpstreamSince({ freshness }: PackageState, now: number): number | null {
  if (freshness == null || freshness.max_age === null) return null;
  const at = freshness.time + freshness.max_age * 1000;
  return at < now ? at : null;
}

function withoutSuccessSince(
  pkg: PublishedPackage,
  state: PackageState,
  baseline: number | null,
  now: number,
): number | null {
  if (pkg.stale_after === null) return null;
  const from = state.last_success ?? baseline;
  if (from === null) return null;
  if (from > now + CLOCK_SLACK) return now;
  const at = from + pkg.stale_after * 1000;
  return at < now ? at : null;
}

/** A tree of our own that nothing ever syncs: being there is all it can do. */
export function isStandingLocal(pkg: PublishedPackage, state: PackageState): boolean {
  return pkg.synctype === 'local' && pkg.syncrate === '' && pkg.stale_after === null && state.errors === 0;
}

function heldBecause(hold: Hold): string {
  const until = hold.until === null ? '' : ` until ${new Date(hold.until).toISOString()}`;
  return `by ${hold.by}${until}${hold.reason === null ? '' : `: ${hold.reason}`}`;
}

function staleBecause(
  pkg: PublishedPackage,
  state: PackageState,
  baseline: number | null,
  now: number,
): string {
  if (state.freshness && withoutSuccessSince(pkg, state, baseline, now) === null) {
    return `synced, but upstream itself is of ${new Date(state.freshness.time).toISOString()}`;
  }
  if (state.last_success === null) return 'no success since it was applied';
  if (state.last_success > now) return 'its recorded success lies in the future';
  return `last success at ${new Date(state.last_success).toISOString()}`;
}

function isFailure(outcome: string): outcome is 'failed' | 'timed-out' {
  return outcome === 'failed' || outcome === 'timed-out';
}

function settledWord(state: PackageState): Word {
  const outcome = state.last?.outcome;
  if (outcome === 'interrupted' || outcome === 'stopped' || outcome === 'incomplete') return outcome;
  if (state.errors > 0) return 'failed';
  return state.last_success === null ? 'never ran' : 'ok';
}
