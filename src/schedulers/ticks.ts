import type { WallClockRule } from '../job/calendar.js';
import type { Rule } from '../job/schedule.js';
import { zoneOffset } from '../job/zone.js';
import { gcd } from '../model/phase.js';

export type { WallClockRule };

/** A rule that makes slots. */
export type ActiveRule = Exclude<Rule, { kind: 'none' }>;

/** Winter and summer of a fixed year: a compile does not depend on its day. */
const SEASONS = [Date.UTC(2026, 0, 15), Date.UTC(2026, 6, 15)];

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

/** Minutes of the hour at which a wall-clock rule can have slots, by its zone's clock and by any clock of whole hours. */
export function wallClockTicks(rule: WallClockRule): number[] {
  const minutes = rule.kind === 'daily' ? rule.times.map((time) => time % 60) : rule.minutes;
  const shifts = [0, ...hourFractions(rule.zone)];
  const all = shifts.flatMap((shift) => minutes.map((minute) => (minute - shift + 60) % 60));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** Minutes that the zone's clock is off a whole hour of UTC, in any season: none for most zones. */
export function hourFractions(zone: string): number[] {
  return clockFractions(zone).filter((minute) => minute !== 0);
}

/** Minutes that the zone's clock shows at UTC's full hours, in each season: 0 for most zones. */
export function clockFractions(zone: string): number[] {
  const minutes = SEASONS.map((season) => (((zoneOffset(zone, season) / 60_000) % 60) + 60) % 60);
  return [...new Set(minutes)];
}
