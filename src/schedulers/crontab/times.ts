import { gcd } from '../../model/phase.js';
import { hourFractions, intervalTicks, wallClockTicks, type ActiveRule, type Ticks } from '../ticks.js';

/**
 * The five fields of a cron line that wakes the executor for a rule. An interval that divides an hour is written as it
 * is; everything else is an hourly look (finer where the interval is not whole hours) and the executor's due check. So
 * daylight saving does not matter, nor whether cron keeps `zone` (the site's), UTC, or any zone of whole hours: each slot
 * is a tick in all of them. In any other zone a tick follows each slot within the tick's step, an hour at most.
 */
export function cronTimes(rule: ActiveRule, zone: string): string {
  const minutes =
    rule.kind === 'interval'
      ? interval(intervalTicks(rule), hourFractions(zone))
      : list(wallClockTicks(rule));
  return `${minutes} * * * *`;
}

/** Zones off by half an hour need finer ticks: their clocks show a UTC slot at another minute. */
function interval({ step, offset }: Ticks, fractions: readonly number[]): string {
  const finer = fractions.reduce(gcd, step);
  return list(Array.from({ length: 60 / finer }, (_, i) => (offset % finer) + i * finer));
}

/** Minutes in cron's shortest spelling: all of them, every so many, or one by one. */
function list(minutes: readonly number[]): string {
  const [first = 0, second = first] = minutes;
  const step = second - first;
  if (minutes.length === 60) return '*';
  const even =
    step > 0 && minutes.length === 60 / step && minutes.every((minute, i) => minute === first + i * step);
  if (!even) return minutes.join(',');
  return first === 0 ? `*/${step}` : `${first}-59/${step}`;
}
