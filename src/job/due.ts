import type { Schedule } from './schedule.js';
import { isOpen, lastSlot } from './slots.js';

/** What the due rule looks at. Times are epoch milliseconds, null when unknown; `minGap` is seconds. */
export interface DueFacts {
  /** When apply installed this schedule: slots before it are nobody's. */
  readonly baseline: number | null;
  /** End of the last run that counts (see `PackageState.last_end`). */
  readonly lastEnd: number | null;
  readonly minGap: number;
  readonly now: number;
}

/** `ignored` names stored times that lie in the future (the clock was wrong once) and were left out: worth a warning. */
export type Due = { readonly ignored: readonly ('baseline' | 'lastEnd')[] } & (
  | { readonly due: true; readonly slot: number }
  | { readonly due: false; readonly reason: 'no-slot' | 'window' }
  /** `from`: when the gap is over, epoch ms. */
  | { readonly due: false; readonly reason: 'min-gap'; readonly slot: number; readonly from: number }
);

/**
 * Whether a scheduled run may start: iff a slot lies in (max(baseline, end of the last run), now], now is inside a
 * window, and `minGap` has passed since that end. The newest such slot is the one the run is for, so slots that passed
 * while the host was down or a run was busy make one run, not many.
 */
export function due(schedule: Schedule, facts: DueFacts): Due {
  const { now, minGap } = facts;
  const ignored = (['baseline', 'lastEnd'] as const).filter((name) => (facts[name] ?? -Infinity) > now);
  const baseline = ignored.includes('baseline') ? null : facts.baseline;
  const lastEnd = ignored.includes('lastEnd') ? null : facts.lastEnd;
  const slot = lastSlot(schedule, Math.max(baseline ?? -Infinity, lastEnd ?? -Infinity), now);
  if (slot === null) return { due: false, reason: 'no-slot', ignored };
  if (!isOpen(schedule, now)) return { due: false, reason: 'window', ignored };
  const from = lastEnd === null ? now : lastEnd + minGap * 1000;
  if (now < from) return { due: false, reason: 'min-gap', slot, from, ignored };
  return { due: true, slot, ignored };
}
