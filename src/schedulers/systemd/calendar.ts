import type { Rule } from '../../job/schedule.js';
import { intervalTicks, wallClockTicks, type ActiveRule, type WallClockRule } from '../ticks.js';

/** More lines than this are not worth it: a timer that ticks and asks costs less to read and to load. */
const MAX_LINES = 24;

const DAY = 1440;
const WEEK = 7 * DAY;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/**
 * Zones whose summer time counts as standard: before version 258 systemd can fire without end in the hour before a clock
 * change there (systemd pull requests 19075 and 36897).
 */
const NEGATIVE_DST = ['Europe/Dublin', 'Eire', 'Africa/Casablanca', 'Africa/El_Aaiun'];

/** Monday 1970-01-05 00:00 UTC, in minutes from the epoch, is where a week's minutes count from. */
const FIRST_MONDAY = 4 * DAY;

/**
 * OnCalendar= lines of a rule. `exact`: they elapse at the slots and at no other time (windows aside); otherwise at a
 * superset of them, and the executor's due check leaves out the rest.
 */
export function onCalendar(rule: ActiveRule): { readonly lines: readonly string[]; readonly exact: boolean } {
  switch (rule.kind) {
    case 'interval':
      return interval(rule);
    case 'daily':
    case 'calendar':
      return NEGATIVE_DST.includes(rule.zone) ? hourly(rule) : { lines: wallClock(rule), exact: true };
  }
}

const intervals = new Map<string, { readonly lines: readonly string[]; readonly exact: boolean }>();

/** Remembered: a large site has more packages than phases. */
function interval(rule: Extract<Rule, { kind: 'interval' }>): ReturnType<typeof onCalendar> {
  const key = `${rule.every} ${rule.phase}`;
  const known = intervals.get(key) ?? intervalLines(rule);
  intervals.set(key, known);
  return known;
}

function intervalLines(rule: Extract<Rule, { kind: 'interval' }>): ReturnType<typeof onCalendar> {
  const every = rule.every / 60;
  const phase = rule.phase / 60;
  if (60 % every !== 0) {
    const lines = DAY % every === 0 ? daily(every, phase) : WEEK % every === 0 ? weekly(every, phase) : [];
    if (lines.length > 0 && lines.length <= MAX_LINES) return { lines, exact: true };
  }
  const { step, offset } = intervalTicks(rule);
  const minutes = step === 1 ? '*' : step === 60 ? two(offset) : `${two(offset)}/${step}`;
  return { lines: [`*-*-* *:${minutes}:00 UTC`], exact: 60 % every === 0 };
}

function daily(every: number, phase: number): string[] {
  return byMinute(visits(every, phase, DAY)).map((time) => `*-*-* ${time} UTC`);
}

/** One line for all the days that have the same times. */
function weekly(every: number, phase: number): string[] {
  const minutes = visits(every, phase - FIRST_MONDAY, WEEK);
  const days = new Map<string, number[]>();
  for (let day = 0; day < 7; day += 1) {
    const times = minutes.filter((minute) => Math.floor(minute / DAY) === day).map((minute) => minute % DAY);
    for (const time of byMinute(times)) days.set(time, [...(days.get(time) ?? []), (day + 1) % 7]);
  }
  return [...days].map(([time, list]) => `${weekdays(list)} *-*-* ${time} UTC`);
}

/** Minutes of a cycle (a day, a week) that phase + k·every visits; `every` divides the cycle. */
function visits(every: number, phase: number, cycle: number): number[] {
  const first = ((phase % every) + every) % every;
  return Array.from({ length: cycle / every }, (_, k) => first + k * every);
}

/** Times of the day as `HH,HH:MM:00`, one item for each minute of the hour. */
function byMinute(times: readonly number[]): string[] {
  const hours = new Map<number, number[]>();
  for (const time of times) hours.set(time % 60, [...(hours.get(time % 60) ?? []), Math.floor(time / 60)]);
  return [...hours]
    .sort(([a], [b]) => a - b)
    .map(([minute, list]) => `${values(list, 0, 23)}:${two(minute)}:00`);
}

function hourly(rule: WallClockRule): { lines: string[]; exact: boolean } {
  return { lines: [`*-*-* *:${values(wallClockTicks(rule), 0, 59)}:00 UTC`], exact: false };
}

/** systemd wants day and weekday to match both, cron either one: that takes two lines. */
function wallClock(rule: WallClockRule): string[] {
  if (rule.kind === 'daily') return byMinute(rule.times).map((time) => `*-*-* ${time} ${rule.zone}`);
  const time = `${values(rule.hours, 0, 23)}:${values(rule.minutes, 0, 59)}:00 ${rule.zone}`;
  const months = dates(rule.months, 12);
  const onDays = rule.days && `*-${months}-${dates(rule.days, 31)} ${time}`;
  const onWeekdays = rule.weekdays && `${weekdays(rule.weekdays)} *-${months}-* ${time}`;
  const lines = [onDays, onWeekdays].filter((text) => text !== null);
  return lines.length > 0 ? lines : [`*-${months}-* ${time}`];
}

/** Months and days are never written as `01/5`: systemd loses days, or itself, where such a step meets a clock change. */
function dates(list: readonly number[], max: number): string {
  return list.length === max ? '*' : list.map(two).join(',');
}

function weekdays(list: readonly number[]): string {
  const names = list.map((day) => WEEKDAYS[day] ?? '');
  const [first = 0] = list;
  // systemd's week begins on Monday, so a run of days must not begin on Sunday.
  const run = list.length > 2 && first > 0 && list.every((day, i) => day === first + i);
  return run ? `${names[0] ?? ''}..${names.at(-1) ?? ''}` : names.join(',');
}

/** A list in systemd's shortest spelling that a person still reads: `*`, `00/5`, `01..05`, or the values. */
function values(list: readonly number[], min: number, max: number): string {
  if (list.length === max - min + 1) return '*';
  const first = list[0] ?? min;
  const last = list.at(-1) ?? first;
  const step = (list[1] ?? first) - first;
  const even = list.length > 2 && list.every((value, i) => value === first + i * step);
  if (even && step === 1) return `${two(first)}..${two(last)}`;
  if (even && last + step > max) return `${two(first)}/${step}`;
  return list.map(two).join(',');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
