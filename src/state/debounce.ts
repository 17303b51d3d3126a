import type { PackageState, Request } from './package-state.js';

/** Longest debounce in seconds: a waiting run holds the package's lock, and its unit has a time limit. */
export const MAX_DEBOUNCE = 1800;

/**
 * Epoch ms before which a push that comes at `at` does not begin its run, or null when it may at once. Upstreams push
 * once per change, and changes come in bursts: the first push of a burst runs at once, all that follow within `seconds`
 * of that run's start make one more together, so that the last change is never missed.
 */
export function pushNotBefore(state: PackageState, seconds: number, at: number): number | null {
  const waiting = state.run?.trigger === 'push' && state.run.phase === 'waiting' ? state.run.until : null;
  if (waiting !== null && waiting > at) return waiting;
  const pushed = [state.run, state.last].find((run) => run?.trigger === 'push');
  // A start in the future is a wrong clock's.
  if (!pushed || pushed.started > at) return null;
  const until = pushed.started + seconds * 1000;
  return until > at ? until : null;
}

/** Epoch ms from which a request may be served; a clock that was set back must not make it wait for ever. */
export function servedFrom({ at, not_before }: Request, now: number): number {
  if (not_before === undefined || at > now) return 0;
  return Math.min(not_before, at + MAX_DEBOUNCE * 1000);
}
