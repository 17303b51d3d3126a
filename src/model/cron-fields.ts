import type { Rule } from '../job/schedule.js';

type Calendar = Extract<Rule, { kind: 'calendar' }>;

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MINUTE: Field = { name: 'minute', min: 0, max: 59 };
const HOUR: Field = { name: 'hour', min: 0, max: 23 };
const DAY: Field = { name: 'day', min: 1, max: 31 };
const MONTH: Field = {
  name: 'month',
  min: 1,
  max: 12,
  names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
};
const WEEKDAY: Field = {
  name: 'weekday',
  min: 0,
  max: 7,
  names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
};

/** Why a `schedule` is not one: lower case, names in backticks. */
export interface CronError {
  readonly message: string;
  readonly help?: string;
}

/**
 * Reads five blank-separated fields as crontab(5) has them: lists, ranges, steps, English names of months and days,
 * 7 for Sunday. Stricter than cron where crons differ or silently do something else.
 */
export function parseCron(text: string, zone: string): Calendar | CronError {
  const fields = text.trim().split(/[ \t]+/);
  if (text.trim().startsWith('@')) {
    return {
      message: `\`${clip(text)}\` is not one of the five-field schedules`,
      help: 'write it out: `@daily` is `0 0 * * *`',
    };
  }
  if (fields.length !== 5) {
    return {
      message: `a schedule has five fields (minute hour day month weekday), this one has ${fields.length}`,
      help: 'for example `15 3 * * mon-fri`',
    };
  }
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  try {
    const days = day === '*' ? null : values(DAY, day);
    const weekdays = weekday === '*' ? null : sunday(values(WEEKDAY, weekday));
    if (days && weekdays && (day.startsWith('*') || weekday.startsWith('*'))) {
      // Vixie cron takes any field that starts with `*` as unrestricted and then wants both to match; others do not.
      throw new FieldError(
        `crons disagree on what \`${day}\` and \`${weekday}\` mean together`,
        'write `1-31/2` for `*/2`',
      );
    }
    // Either one counts, so a field with all its values lets every day count, whatever the other one has.
    const isEveryDay = days?.length === 31 || weekdays?.length === 7;
    return {
      kind: 'calendar',
      minutes: values(MINUTE, minute),
      hours: values(HOUR, hour),
      days: isEveryDay ? null : days,
      months: values(MONTH, month),
      weekdays: isEveryDay ? null : weekdays,
      zone,
    };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return { message: error.message, ...(error.help === undefined ? {} : { help: error.help }) };
  }
}

class FieldError extends Error {
  constructor(
    message: string,
    readonly help?: string,
  ) {
    super(message);
  }
}

function values(field: Field, text: string): number[] {
  const found = new Set<number>();
  for (const item of text.split(',')) for (const value of range(field, item)) found.add(value);
  return [...found].sort((a, b) => a - b);
}

function range(field: Field, item: string): number[] {
  const match = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item);
  if (!match) throw new FieldError(`\`${clip(item)}\` is no ${field.name}`, expected(field));
  const [, star, first = '', last, stepText] = match;
  const from = star === undefined ? number(field, first) : field.min;
  // `*` of weekdays is 0-6: 7 is Sunday again and would upset a step.
  const to = star === undefined ? number(field, last ?? first) : field === WEEKDAY ? 6 : field.max;
  if (from > to) {
    throw new FieldError(
      `the ${field.name} range \`${clip(item)}\` runs backwards`,
      'write two ranges with a comma',
    );
  }
  const step = stepText === undefined ? 1 : Number(stepText);
  if (stepText !== undefined && star === undefined && last === undefined) {
    throw new FieldError(
      `a step needs a range: \`${clip(item)}\``,
      `write \`${first}-${field.max}/${stepText}\``,
    );
  }
  if (step < 1 || step > field.max - field.min + 1) {
    throw new FieldError(
      `a step of ${clip(String(stepText))} is not possible for the ${field.name}`,
      expected(field),
    );
  }
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
}

function number(field: Field, text: string): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + field.min;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : NaN;
  if (value >= field.min && value <= field.max) return value;
  throw new FieldError(`\`${clip(text)}\` is no ${field.name}`, expected(field));
}

function expected(field: Field): string {
  const names = field.names ? ` or ${field.names[0] ?? ''}-${field.names.at(-1) ?? ''}` : '';
  return `a ${field.name} is ${field.min}-${field.max}${names}, \`*\`, a list, a range or a range with a step`;
}

function sunday(weekdays: readonly number[]): number[] {
  return [...new Set(weekdays.map((day) => day % 7))].sort((a, b) => a - b);
}

/** The beginning of what a person wrote, as much of it as a message can show. */
export function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
