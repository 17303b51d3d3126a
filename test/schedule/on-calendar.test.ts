import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../src/job/schedule.js';
import { slots } from '../../src/job/slots.js';
import { parseCron } from '../../src/model/cron-fields.js';
import { onCalendar } from '../../src/schedulers/systemd/calendar.js';
import type { ActiveRule } from '../../src/schedulers/ticks.js';
import { elapses, union } from './systemd-calendar.js';

const ITERATIONS = 12;

/** Asks systemd for many rules at once and hands back each rule's elapses. */
function askSystemd(
  rules: readonly ActiveRule[],
  base: number,
  zone = 'UTC',
): { times: number[]; until: number }[] {
  const lines = rules.map((rule) => onCalendar(rule).lines);
  const lists = elapses(lines.flat(), zone, base, ITERATIONS);
  expect(lists).toHaveLength(lines.flat().length);
  return lines.map((own) => union(lists.splice(0, own.length), ITERATIONS));
}

function always(rule: ActiveRule): Schedule {
  return { rule, windows: [], zone: 'UTC' };
}

const interval = (every: number, phase: number): ActiveRule => ({
  kind: 'interval',
  every: every * 60,
  phase: (phase % every) * 60,
});

const DIVISORS = Array.from({ length: 43200 }, (_, i) => i + 1).filter(
  (minutes) => 60 % minutes === 0 || 1440 % minutes === 0 || 10080 % minutes === 0,
);

describe('OnCalendar lines of an interval', () => {
  it('elapse at its slots and never else for every duration that divides an hour, a day or (in 24 lines) a week', () => {
    const base = Date.UTC(2026, 10, 22, 7, 3);
    const rules = DIVISORS.map((every) => interval(every, every * 0.37 + 11));
    const whole = rules.map((rule) =>
      rule.kind === 'interval' ? { ...rule, phase: Math.floor(rule.phase / 60) * 60 } : rule,
    );
    const results = askSystemd(whole, base);
    const inexact = whole.flatMap((rule, i) => {
      if (!onCalendar(rule).exact) return [DIVISORS[i]];
      const { times, until } = results[i] ?? { times: [], until: 0 };
      expect(times, `every ${String(DIVISORS[i])} min`).toEqual(slots(always(rule), base, until));
      return [];
    });
    // More than 24 lines would be needed: 35 for PT84M, for example.
    expect(inexact.every((every = 0) => 1440 % every !== 0)).toBe(true);
    expect(inexact).toEqual([7, 14, 21, 28, 35, 42, 56, 63, 70, 84, 105, 112, 126, 168, 224, 252, 315, 336]);
  });

  it('elapse at every slot for any duration from PT1M to P30D, any phase, any time', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc
            .tuple(fc.integer({ min: 1, max: 43200 }), fc.nat(43200))
            .map(([every, phase]) => interval(every, phase)),
          { minLength: 40, maxLength: 60 },
        ),
        fc.integer({ min: Date.UTC(2026, 0, 1) / 60000, max: Date.UTC(2034, 0, 1) / 60000 }),
        (rules, minute) => {
          const base = minute * 60_000;
          askSystemd(rules, base).forEach(({ times, until }, i) => {
            const rule = rules[i] as ActiveRule;
            const expected = slots(always(rule), base, until);
            expect(times).toEqual(expect.arrayContaining(expected));
            if (onCalendar(rule).exact) expect(times).toEqual(expected);
          });
        },
      ),
      { numRuns: 25, seed: 2026 },
    );
  });

  it('takes at most 24 lines, and one where a tick does', () => {
    for (let every = 1; every <= 43200; every += 1) {
      const { lines, exact } = onCalendar(interval(every, every - 1));
      expect(lines.length).toBeLessThanOrEqual(exact ? 24 : 1);
    }
  });

  it('reads as a person would write it', () => {
    expect(onCalendar(interval(10, 3)).lines).toEqual(['*-*-* *:03/10:00 UTC']);
    expect(onCalendar(interval(60, 7)).lines).toEqual(['*-*-* *:07:00 UTC']);
    expect(onCalendar(interval(360, 75)).lines).toEqual(['*-*-* 01/6:15:00 UTC']);
    expect(onCalendar(interval(90, 5)).lines).toEqual(['*-*-* 00/3:05:00 UTC', '*-*-* 01/3:35:00 UTC']);
    expect(onCalendar(interval(10080, 5)).lines).toEqual(['Thu *-*-* 00:05:00 UTC']);
    expect(onCalendar(interval(300, 5)).lines).toEqual(['*-*-* *:05:00 UTC']);
    expect(onCalendar(interval(7, 5)).lines).toEqual(['*-*-* *:*:00 UTC']);
  });
});

const field = (min: number, max: number): fc.Arbitrary<string> => {
  const value = fc.integer({ min, max });
  return fc.oneof(
    fc.constant('*'),
    value.map(String),
    fc.uniqueArray(value, { minLength: 2, maxLength: 4 }).map((list) => list.join(',')),
    fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc
      .tuple(fc.constant(`${min}-${max}`), fc.integer({ min: 2, max: 7 }))
      .map(([range, step]) => `${range}/${step}`),
  );
};

function calendar(text: string, zone: string): ActiveRule {
  const rule = parseCron(text, zone);
  if (!('kind' in rule)) throw new Error(rule.message);
  return rule;
}

function dailyRule(times: readonly number[], zone: string): ActiveRule {
  return { kind: 'daily', times: [...times].sort((a, b) => a - b), zone };
}

// Not Pacific/Chatham: its clocks change at 02:45, and systemd misses slots in the hour after that, once a year.
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Havana',
  'Africa/Cairo',
  'America/Santiago',
];

/** A few days before clock changes, and an ordinary day. */
const BASES = ['2027-03-12', '2027-03-26', '2026-10-30', '2027-10-29', '2027-04-02', '2026-11-22'];

describe('OnCalendar lines of a wall-clock schedule', () => {
  it('elapse at its slots and never else, over clock changes too', () => {
    const cron = fc
      .tuple(field(0, 59), field(0, 5), field(1, 31), field(1, 12), field(0, 6))
      .map((fields) => fields.join(' '));
    const daily = fc.uniqueArray(fc.integer({ min: 0, max: 1439 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.array(fc.oneof(cron, daily), { minLength: 20, maxLength: 40 }),
        fc.constantFrom(...BASES),
        (zone, texts, day) => {
          const base = Date.parse(`${day}T00:00:00Z`);
          const rules = texts.map((text) =>
            typeof text === 'string' ? calendar(text, zone) : dailyRule(text, zone),
          );
          askSystemd(rules, base, zone).forEach(({ times, until }, i) => {
            const rule = rules[i] as ActiveRule;
            // systemd looks two centuries ahead, we forty years.
            const end = Math.min(until, base + 5 * 366 * 86_400_000);
            expect(times.filter((time) => time <= end)).toEqual(slots(always(rule), base, end));
          });
        },
      ),
      { numRuns: 60, seed: 2026, endOnFailure: true },
    );
  });

  it('name their zone, and systemd knows it', () => {
    const base = Date.UTC(2027, 2, 12);
    const rule = dailyRule([150, 1000], 'America/New_York');
    const output = execFileSync('systemd-analyze', ['calendar', ...onCalendar(rule).lines], {
      encoding: 'utf8',
    });
    expect(output.match(/Next elapse: \w+ \d/g)).toHaveLength(2);
    // 02:30 does not exist on 14 March.
    expect(slots(always(rule), base, base + 4 * 86_400_000)).toHaveLength(7);
  });

  it('look every hour instead where a clock change would make systemd fire without end', () => {
    expect(onCalendar(dailyRule([150, 1000], 'Europe/Dublin'))).toEqual({
      lines: ['*-*-* *:30,40:00 UTC'],
      exact: false,
    });
  });

  it('takes two lines where cron takes either day field', () => {
    const rule = parseCron('30 4 13 * fri', 'Europe/Berlin');
    expect('kind' in rule && onCalendar(rule).lines).toEqual([
      '*-*-13 04:30:00 Europe/Berlin',
      'Fri *-*-* 04:30:00 Europe/Berlin',
    ]);
    const week = parseCron('*/5 1-3 * jan,jul mon-fri', 'Asia/Seoul');
    expect('kind' in week && onCalendar(week).lines).toEqual([
      'Mon..Fri *-01,07-* 01..03:00/5:00 Asia/Seoul',
    ]);
  });
});
