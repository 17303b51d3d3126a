import { gcd } from '../../model/phase.js';
import {
  clockFractions,
  hourFractions,
  intervalTicks,
  wallClockTicks,
  type ActiveRule,
  type Ticks,
} from '../ticks.js';

/**
 * The five fields of a cron line that wakes the executor for a rule. An interval that divides an hour is written as it
 * is; everything else is an hourly look (finer where the interval is not whole hours) and the executor's due check. So
 * daylight saving does not matter, nor whether cron keeps `zone` (the site's), UTC, or any zone of whole hours: each slot
 * is a tick in all of them. In any other zone a tick follows each slot within the tick's step, an hour at most.
 */
export function cronTimes(rule: ActiveRule, zone: string): string {
  return `${list(cronMinutes(rule, zone))} * * * *`;
}

/**
 * Minutes from a slot to the first tick after it at the latest, where cron goes by the clock of `host`: 0 in every zone
 * for which `cronTimes` is made.
 */
export function latestTick(rule: ActiveRule, zone: string, host: string): number {
  const ticks = cronMinutes(rule, zone);
  // As UTC's clock shows them: a zone's own fraction is taken off, the host's put on.
  const slots =
    rule.kind === 'interval'
      ? everyMinute(intervalTicks(rule))
      : (rule.kind === 'daily' ? rule.times : rule.minutes).flatMap((minute) =>
          clockFractions(rule.zone).map((fraction) => minute - fraction),
        );
  const waits = slots.flatMap((slot) =>
    clockFractions(host).map((fraction) =>
      Math.min(...ticks.map((tick) => (((tick - slot - fraction) % 60) + 60) % 60)),
    ),
  );
  return Math.max(0, ...waits);
}

function cronMinutes(rule: ActiveRule, zone: string): number[] {
  if (rule.kind !== 'interval') return wallClockTicks(rule);
  // Zones off by half an hour need finer ticks: their clocks show a UTC slot at another minute.
  const { step, offset } = intervalTicks(rule);
  const finer = hourFractions(zone).reduce(gcd, step);
  return everyMinute({ step: finer, offset: offset % finer });
}

function everyMinute({ step, offset }: Ticks): number[] {
  return Array.from({ length: 60 / step }, (_, i) => offset + i * step);
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
