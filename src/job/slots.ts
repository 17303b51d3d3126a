import { wallClockSlots } from './calendar.js';
import type { Rule, Schedule, Window } from './schedule.js';
import { minuteOfDay, zoneOffset } from './zone.js';

/** How far to look for a slot: 29 February can be eight years away, and windows can make it rarer. */
const HORIZON = 40 * 366 * 86_400_000;

const MINUTE = 60_000;

/**
 * Slots in (from, to] as epoch milliseconds, ascending, at most `limit`, and at most 40 years of them. The one meaning of a schedule, for executor,
 * explain, plan and daemon: intervals count from the Unix epoch in UTC, wall-clock rules follow their zone, and a slot
 * outside every window is no slot.
 */
export function slots(schedule: Schedule, from: number, to: number, limit = Infinity): number[] {
  const found: number[] = [];
  if (limit <= 0) return found;
  const end = Math.min(to, from + HORIZON);
  for (const slot of walk(schedule, from, end, 1)) {
    if (slot > end) break;
    if (slot <= from || !isOpen(schedule, slot)) continue;
    found.push(slot);
    if (found.length >= limit) break;
  }
  return found;
}

/** First slot after `after` (epoch milliseconds), or null when none comes in 40 years. */
export function nextSlot(schedule: Schedule, after: number): number | null {
  return slots(schedule, after, after + HORIZON, 1)[0] ?? null;
}

/** Newest slot in (from, to], or null. `from` may be -Infinity: then at most 40 years are searched. */
export function lastSlot(schedule: Schedule, from: number, to: number): number | null {
  const earliest = Math.max(from, to - HORIZON);
  for (const slot of walk(schedule, to, earliest, -1)) {
    if (slot <= earliest) break;
    if (slot <= to && isOpen(schedule, slot)) return slot;
  }
  return null;
}

/** Whether `at` lies inside a window (or there are none): outside, nothing scheduled starts. */
export function isOpen(schedule: Schedule, at: number): boolean {
  if (schedule.windows.length === 0) return true;
  const minute = minuteOfDay(schedule.zone, at);
  return isWithin(schedule.windows, minute);
}

/** Whether a minute of the day lies in one of the windows; one that ends before it begins goes over midnight. */
export function isWithin(windows: readonly Window[], minute: number): boolean {
  return windows.some(({ from, to }) =>
    from < to ? minute >= from && minute < to : minute >= from || minute < to,
  );
}

/** Slots before the windows have their say, ascending from or descending to the given times. */
function walk(schedule: Schedule, at: number, until: number, step: 1 | -1): Iterable<number> {
  switch (schedule.rule.kind) {
    case 'none':
      return [];
    case 'interval':
      return intervalSlots(schedule, schedule.rule, at, until, step);
    case 'calendar':
    case 'daily':
      return wallClockSlots(schedule.rule, at, until, step);
  }
}

function* intervalSlots(
  schedule: Schedule,
  rule: Extract<Rule, { kind: 'interval' }>,
  at: number,
  until: number,
  step: 1 | -1,
): Generator<number> {
  const every = rule.every * 1000;
  const phase = rule.phase * 1000;
  let k = Math.floor((at - phase) / every) + (step === 1 ? 1 : 0);
  for (let slot = phase + k * every; (until - slot) * step >= 0; slot = phase + k * every) {
    yield slot;
    const skip = isOpen(schedule, slot) ? 0 : closedFor(schedule, slot, step) * MINUTE;
    k += step * Math.max(1, Math.floor(skip / every));
  }
}

/** Minutes for which no window is open for sure, forward or backward: spares a walk minute by minute. */
function closedFor(schedule: Schedule, at: number, step: 1 | -1): number {
  const minute = minuteOfDay(schedule.zone, at);
  const distances = schedule.windows.map(({ from, to }) => (step === 1 ? from - minute : minute - (to - 1)));
  const nearest = Math.min(...distances.map((distance) => (distance + 1440) % 1440));
  // A clock change on the way can open a window sooner, or once more: then every slot is looked at.
  const there = zoneOffset(schedule.zone, at + step * nearest * MINUTE);
  return there === zoneOffset(schedule.zone, at) ? nearest : 0;
}
