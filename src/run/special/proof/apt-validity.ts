import type { EndFacts } from '../../../state/reduce.js';
import type { Turn } from '../../steps.js';
import type { Release } from './apt-release.js';

/** A distribution with its Release file. */
export interface NamedRelease {
  readonly name: string;
  readonly release: Release;
}

/**
 * Says in the log which Release files clients refuse because their Valid-Until is over. The package is stale from the
 * first such time on, also if no later run finds it out.
 */
export function staleness(turn: Turn, releases: readonly NamedRelease[], now = Date.now()): EndFacts {
  let first: { readonly date: number; readonly validUntil: number } | null = null;
  for (const { name, release } of releases) {
    const { date, validUntil } = release;
    if (validUntil === null) continue;
    if (validUntil < now) {
      const until = new Date(validUntil).toISOString();
      turn.log.note('WARNING', `dists/${name}: its Release file was valid until ${until}: apt refuses it`);
    }
    if (first === null || validUntil < first.validUntil) first = { date: date ?? validUntil, validUntil };
  }
  if (first === null) return {};
  const { date: time, validUntil } = first;
  const max_age = Math.max(0, Math.floor((validUntil - time) / 1000));
  return { freshness: { time, newest: time, max_age } };
}
