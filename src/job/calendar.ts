import type { Rule } from './schedule.js';
import { dayOf, instants } from './zone.js';

/** Rules that follow a wall clock. */
export type WallClockRule = Extract<Rule, { kind: 'calendar' | 'daily' }>;

const DAY = 86_400_000;

/**
 * Slots of a wall-clock rule as epoch milliseconds, one day after the other: ascending from the day of `at`, or
 * descending (`step` -1), until `until` is passed. Days are tested by arithmetic alone, so a rule that never comes true
 * (31 February) costs little; the zone is asked only for days that match.
 */
export function* wallClockSlots(
  rule: WallClockRule,
  at: number,
  until: number,
  step: 1 | -1,
): Generator<number> {
  const times = timesOf(rule);
  // One day to spare on both sides: around a clock change at midnight days overlap.
  const last = dayOf(rule.zone, until) + step;
  for (let day = dayOf(rule.zone, at) - step; (last - day) * step >= 0; day += step) {
    if (rule.kind === 'calendar' && !matches(rule, day)) continue;
    const slots = instants(rule.zone, day, times);
    yield* step === 1 ? slots : slots.reverse();
  }
}

function timesOf(rule: WallClockRule): readonly number[] {
  if (rule.kind === 'daily') return rule.times;
  return rule.hours.flatMap((hour) => rule.minutes.map((minute) => hour * 60 + minute));
}

function matches(rule: Extract<Rule, { kind: 'calendar' }>, day: number): boolean {
  const date = new Date(day * DAY);
  if (!rule.months.includes(date.getUTCMonth() + 1)) return false;
  const { days, weekdays } = rule;
  const onDay = days?.includes(date.getUTCDate());
  const onWeekday = weekdays?.includes(date.getUTCDay());
  if (onDay === undefined) return onWeekday ?? true;
  return onWeekday === undefined ? onDay : onDay || onWeekday;
}
