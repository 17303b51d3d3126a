import type { Rule } from '../job/schedule.js';
import { gcd } from '../model/phase.js';

/** A rule that makes slots. */
export type ActiveRule = Exclude<Rule, { kind: 'none' }>;

/** Minutes of the hour at which to look whether a slot is due: the finest pattern that misses none. */
export interface Ticks {
  /** Minutes between two looks; divides 60. */
  readonly step: number;
  /** First minute of the hour, below `step`. */
  readonly offset: number;
}

/** Ticks of gcd(interval, 1 h) at the phase: every slot is one of them, in UTC and in zones of whole hours. */
export function intervalTicks(rule: Extract<Rule, { kind: 'interval' }>): Ticks {
  const step = gcd(rule.every / 60, 60);
  return { step, offset: (rule.phase / 60) % step };
}
