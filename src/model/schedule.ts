import type { Rule, Schedule, Window } from '../job/schedule.js';
import { nextSlot, slots } from '../job/slots.js';
import { isZone } from '../job/zone-names.js';
import { clip, parseCron } from './cron-fields.js';
import { formatDuration, parseDuration } from './duration.js';
import { hashedPhase } from './phase.js';

/** The keys of a package that say when it runs; absent ones are undefined or null. */
export interface ScheduleKeys {
  /** ISO 8601 duration, `PUSH` or ``. */
  readonly syncrate: string;
  readonly schedule?: string | null | undefined;
  readonly synctime?: string | readonly string[] | null | undefined;
  readonly phase?: string | null | undefined;
  readonly window?: readonly string[] | null | undefined;
  readonly push?: boolean | null | undefined;
  readonly id: string;
  readonly node: string;
  /** `localtimezone`; UTC is assumed for an unknown one, which is another rule's error. */
  readonly zone: string;
}

/** A mistake at one of the keys above. */
export interface ScheduleProblem {
  readonly key: 'syncrate' | 'schedule' | 'synctime' | 'phase' | 'window';
  /** Index of the item of a list that is wrong. */
  readonly item?: number;
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly help?: string;
}

export interface ParsedSchedule {
  readonly schedule: Schedule;
  /** Shortest time between two slots in seconds, windows aside; null without slots. */
  readonly interval: number | null;
  readonly push: boolean;
  readonly problems: readonly ScheduleProblem[];
}

/** From here the next slots are looked at: fixed, so that a compile does not depend on its day. */
const REFERENCE = Date.UTC(2026, 0, 1);

const MAX_INTERVAL = 366 * 86400;
const MAX_SYNCTIMES = 24;

/**
 * Reads a package's schedule. One key decides: `schedule` (five cron fields in the local zone), else `synctime`
 * (`HH:MM`, or a list, every day in the local zone), else `syncrate`; beside one of the others `syncrate` is only the
 * frequency that gets published. `PUSH` as `syncrate` and `push: true` both let a package be pushed. With problems of
 * severity error the schedule has no slots.
 */
export function parseSchedule(keys: ScheduleKeys): ParsedSchedule {
  const problems: ScheduleProblem[] = [];
  const zone = isZone(keys.zone) ? keys.zone : 'UTC';
  const windows = (keys.window ?? []).flatMap((text, item) => parseWindow(text, item, problems) ?? []);
  const rule = parseRule(keys, zone, windows, problems);
  if (rule.kind !== 'interval' && present(keys.phase)) {
    problems.push(
      warning('phase', 'phase-unused', '`phase` has a meaning only beside an interval', 'remove it'),
    );
  }
  if (rule.kind === 'none' && windows.length > 0) {
    problems.push(
      warning(
        'window',
        'window-unused',
        '`window` limits scheduled runs, and this package has none',
        'remove it',
      ),
    );
  }
  const schedule: Schedule = { rule, windows: rule.kind === 'none' ? [] : windows, zone };
  if (rule.kind !== 'none') problems.push(...neverDue(schedule));
  const failed = problems.some(({ severity }) => severity === 'error');
  return {
    schedule: failed ? { rule: { kind: 'none' }, windows: [], zone } : schedule,
    interval: failed ? null : shortestGap(rule),
    push: keys.push === true || keys.syncrate === 'PUSH',
    problems,
  };
}

function parseRule(
  keys: ScheduleKeys,
  zone: string,
  windows: readonly Window[],
  problems: ScheduleProblem[],
): Rule {
  const every = parseSyncrate(keys.syncrate, problems);
  if (present(keys.schedule) && present(keys.synctime)) {
    problems.push(
      error(
        'synctime',
        'schedule-conflict',
        '`schedule` and `synctime` both say when to run',
        'keep one of them',
      ),
    );
  }
  if (present(keys.schedule)) {
    const rule = parseCron(keys.schedule, zone);
    if ('kind' in rule) return rule;
    problems.push({ key: 'schedule', code: 'bad-schedule', severity: 'error', ...rule });
    return { kind: 'none' };
  }
  if (present(keys.synctime)) return parseSynctime(keys.synctime, zone, problems);
  if (every === null) return { kind: 'none' };
  return { kind: 'interval', every, phase: parsePhase(keys, every, windows, zone, problems) };
}

function parseSyncrate(syncrate: string, problems: ScheduleProblem[]): number | null {
  if (syncrate === '' || syncrate === 'PUSH') return null;
  const seconds = parseDuration(syncrate);
  const refuse = (code: string, message: string, help: string): null => {
    problems.push(error('syncrate', code, message, help));
    return null;
  };
  if (seconds === null) {
    const help = 'a duration such as `PT6H` or `P1D`, `PUSH`, or an empty string';
    return refuse(
      'bad-duration',
      `\`${clip(syncrate)}\` is no ISO 8601 duration in weeks, days, hours and minutes`,
      help,
    );
  }
  if (seconds === 0 || seconds % 60 !== 0) {
    return refuse(
      'interval-minutes',
      'an interval is a whole number of minutes, at least one',
      nearestMinutes(seconds),
    );
  }
  if (seconds > MAX_INTERVAL)
    return refuse('interval-too-long', 'an interval is at most a year', 'use `PUSH` or `schedule`');
  return seconds;
}

function parsePhase(
  keys: ScheduleKeys,
  every: number,
  windows: readonly Window[],
  zone: string,
  problems: ScheduleProblem[],
): number {
  if (!present(keys.phase)) return hashedPhase(keys.node, keys.id, every / 60, windows, zone) * 60;
  const phase = parseDuration(keys.phase);
  if (phase !== null && phase % 60 === 0 && phase < every) return phase;
  const message =
    phase === null
      ? `\`${clip(keys.phase)}\` is no ISO 8601 duration`
      : 'a phase is whole minutes and shorter than its interval';
  problems.push(error('phase', 'bad-phase', message, `from \`PT0S\` to \`${formatDuration(every - 60)}\``));
  return 0;
}

function parseSynctime(
  synctime: string | readonly string[],
  zone: string,
  problems: ScheduleProblem[],
): Rule {
  const texts = typeof synctime === 'string' ? [synctime] : synctime;
  const times = texts.map(minuteOf);
  const wrong = times.findIndex((time) => time === null || time === 1440);
  if (wrong >= 0 || texts.length === 0 || texts.length > MAX_SYNCTIMES) {
    const message =
      wrong >= 0
        ? `\`${clip(texts[wrong] ?? '')}\` is no time of the day`
        : `\`synctime\` takes 1 to ${MAX_SYNCTIMES} times, this one has ${texts.length}`;
    problems.push(error('synctime', 'bad-synctime', message, 'write `HH:MM`, from `00:00` to `23:59`'));
    return { kind: 'none' };
  }
  const sorted = [...new Set(times as number[])].sort((a, b) => a - b);
  return { kind: 'daily', times: sorted, zone };
}

function parseWindow(text: string, item: number, problems: ScheduleProblem[]): Window | null {
  const [from, to, ...rest] = text.split('-').map(minuteOf);
  if (typeof from === 'number' && typeof to === 'number' && rest.length === 0 && from < 1440 && from !== to) {
    return { from, to };
  }
  const message = `\`${clip(text)}\` is no window of the day`;
  const help = 'write `HH:MM-HH:MM`, such as `20:00-07:00`';
  problems.push({ ...error('window', 'bad-window', message, help), item });
  return null;
}

/** `HH:MM` as minutes of the day, 24:00 included; null for anything else. */
function minuteOf(text: string): number | null {
  const match = /^(\d\d):([0-5]\d)$/.exec(text);
  const minute = match ? Number(match[1]) * 60 + Number(match[2]) : Infinity;
  return minute <= 1440 ? minute : null;
}

function neverDue(schedule: Schedule): ScheduleProblem[] {
  if (schedule.rule.kind === 'interval' && schedule.windows.length === 0) return [];
  if (nextSlot(schedule, REFERENCE) !== null) return [];
  if (nextSlot({ ...schedule, windows: [] }, REFERENCE) === null) {
    return [
      error('schedule', 'no-slot', 'no day of the calendar matches this schedule', 'check day and month'),
    ];
  }
  const help = 'widen the window, or move `phase`, `schedule` or `synctime` into it';
  return [error('window', 'no-slot', 'no slot of this schedule lies inside a window', help)];
}

/** Zones aside: a clock change that makes one day an hour shorter does not make the schedule a faster one. */
function shortestGap(rule: Rule): number | null {
  if (rule.kind === 'none') return null;
  if (rule.kind === 'interval') return rule.every;
  const utc = { rule: { ...rule, zone: 'UTC' }, windows: [], zone: 'UTC' };
  const times = slots(utc, REFERENCE, REFERENCE + 40 * MAX_INTERVAL * 1000, 100);
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  return gaps.length === 0 ? null : Math.min(...gaps) / 1000;
}

function nearestMinutes(seconds: number): string {
  return `the nearest is \`${formatDuration(Math.max(60, Math.round(seconds / 60) * 60))}\``;
}

function present<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

function error(key: ScheduleProblem['key'], code: string, message: string, help: string): ScheduleProblem {
  return { key, code, severity: 'error', message, help };
}

function warning(key: ScheduleProblem['key'], code: string, message: string, help: string): ScheduleProblem {
  return { key, code, severity: 'warning', message, help };
}
