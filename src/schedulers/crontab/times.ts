import { zoneOffset } from '../../job/zone.js';
import { gcd } from '../../model/phase.js';
import { intervalTicks, type ActiveRule, type Ticks } from '../ticks.js';

/** Winter and summer of a fixed year: a compile does not depend on its day. */
const SEASONS = [Date.UTC(2026, 0, 15), Date.UTC(2026, 6, 15)];

/**
 * The five fields of a cron line that wakes the executor for a rule. An interval that divides an hour is written as it
 * is; everything else is an hourly look (finer where the interval is not whole hours) and the executor's due check. So
 * daylight saving does not matter, nor whether cron keeps `zone` (the site's), UTC, or any zone of whole hours: each slot
 * is a tick in all of them. In any other zone a tick follows each slot within the tick's step, an hour at most.
 */
export function cronTimes(rule: ActiveRule, zone: string): string {
  const fractions = hourFractions(zone);
  const minutes =
    rule.kind === 'interval'
      ? interval(intervalTicks(rule), fractions)
      : wallClock(rule.kind === 'daily' ? rule.times.map((time) => time % 60) : rule.minutes, fractions);
  return `${minutes} * * * *`;
}

/** Zones off by half an hour need finer ticks: their clocks show a UTC slot at another minute. */
function interval({ step, offset }: Ticks, fractions: readonly number[]): string {
  const finer = fractions.reduce(gcd, step);
  const first = offset % finer;
  if (finer === 1) return '*';
  if (finer === 60) return String(first);
  return first === 0 ? `*/${finer}` : `${first}-59/${finer}`;
}

function wallClock(minutes: readonly number[], fractions: readonly number[]): string {
  const all = [0, ...fractions].flatMap((fraction) => minutes.map((minute) => (minute - fraction + 60) % 60));
  const distinct = [...new Set(all)].sort((a, b) => a - b);
  return distinct.length === 60 ? '*' : distinct.join(',');
}

/** Minutes that the zone's clock is off a whole hour of UTC, in any season. */
function hourFractions(zone: string): number[] {
  const minutes = SEASONS.map((season) => (((zoneOffset(zone, season) / 60_000) % 60) + 60) % 60);
  return [...new Set(minutes)].filter((minute) => minute !== 0);
}
