import type { Rule, Schedule, Window } from '../job/schedule.js';
import { formatDuration } from '../model/duration.js';

/** A schedule in one line: `every PT7H from PT2H13M`, `cron 15 3 * * 1 (Asia/Seoul)`, `on request only`. */
export function scheduleText(schedule: Schedule): string {
  const windows = schedule.windows.map(windowText).join(', ');
  const open = windows === '' || schedule.rule.kind === 'none' ? '' : `, within ${windows} ${schedule.zone}`;
  return ruleText(schedule.rule) + open;
}

function ruleText(rule: Rule): string {
  switch (rule.kind) {
    case 'interval':
      return `every ${formatDuration(rule.every)}, phase ${formatDuration(rule.phase)} UTC`;
    case 'calendar': {
      const fields = [
        field(rule.minutes, 0, 59),
        field(rule.hours, 0, 23),
        field(rule.days, 1, 31),
        field(rule.months, 1, 12),
        field(rule.weekdays, 0, 6),
      ];
      return `cron ${fields.join(' ')} (${rule.zone})`;
    }
    case 'daily':
      return `daily at ${rule.times.map(clock).join(', ')} (${rule.zone})`;
    case 'none':
      return 'on request only';
  }
}

/** A cron field: `*`, `5`, `1,15`, or `0-6` for three and more in a row. */
function field(values: readonly number[] | null, from: number, to: number): string {
  if (values === null || values.length === to - from + 1) return '*';
  const runs: [number, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last && value === last[1] + 1) last[1] = value;
    else runs.push([value, value]);
  }
  const text = ([a, b]: [number, number]): string =>
    a === b ? String(a) : b === a + 1 ? `${String(a)},${String(b)}` : `${String(a)}-${String(b)}`;
  return runs.map(text).join(',');
}

function windowText({ from, to }: Window): string {
  return `${clock(from)}-${clock(to)}`;
}

function clock(minutes: number): string {
  const pad = (n: number): string => String(n).padStart(2, '0');
  return `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}
