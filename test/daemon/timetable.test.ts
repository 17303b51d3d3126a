import { describe, expect, test } from 'vitest';
import { daemon, type Event, type Ports } from '../../src/daemon/daemon.js';
import { timetable } from '../../src/daemon/timetable.js';
import type { Schedule } from '../../src/job/schedule.js';
import { slots } from '../../src/job/slots.js';
import { hashedPhase } from '../../src/model/phase.js';
import { appliedOf, living, over, quiet, starterOf } from './world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ZONE = 'America/New_York';

const every = (minutes: number, phase: number, windows: Schedule['windows'] = []): Schedule => ({
  rule: { kind: 'interval', every: minutes * 60, phase: phase * 60 },
  windows,
  zone: ZONE,
});
const cron = (minutes: number[], hours: number[], weekdays: number[] | null = null): Schedule => {
  const months = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  return {
    rule: { kind: 'calendar', minutes, hours, days: null, months, weekdays, zone: ZONE },
    windows: [],
    zone: ZONE,
  };
};

/** Every kind of schedule that a config can say. */
const SCHEDULES: Readonly<Record<string, Schedule>> = {
  'every 10 minutes': every(10, 3),
  'every hour': every(60, 17),
  'every 5 hours': every(300, 41),
  'every 6 hours': every(360, 200),
  'every 7 hours': every(420, 123),
  'every day': every(1440, 700),
  'every week': every(10_080, 4000),
  'at night only': every(60, 5, [{ from: 20 * 60, to: 7 * 60 }]),
  'cron half hours': cron(
    [0, 30],
    Array.from({ length: 24 }, (_, hour) => hour),
  ),
  'cron in the skipped hour': cron([30], [2]),
  'cron on weekdays': cron([15], [1, 13], [1, 2, 3, 4, 5]),
  'twice a day': { rule: { kind: 'daily', times: [90, 150, 1320], zone: ZONE }, windows: [], zone: ZONE },
  'on request': { rule: { kind: 'none' }, windows: [], zone: 'UTC' },
};

/** A week of the daemon with a clock that moves only while it sleeps; when it started what. */
async function week(from: number, length: number): Promise<Map<string, number[]>> {
  const fired = new Map<string, number[]>();
  let now = from;
  const applied = appliedOf(SCHEDULES);
  const ports: Ports = {
    clock: {
      now: () => now,
      sleep: (ms) => {
        now += ms;
        if (now >= from + length) running.stop();
        return Promise.resolve();
      },
      wake: () => undefined,
    },
    starter: starterOf((words) => {
      const name = words[0] === 'run' ? (words.at(-1) ?? '') : (words[0] ?? '');
      fired.set(name, [...(fired.get(name) ?? []), now]);
      return over();
    }),
    ...quiet(applied),
  };
  const running = daemon(ports, applied);
  await running.ended;
  return fired;
}

describe.each([
  ['an ordinary week', Date.UTC(2026, 5, 1)],
  ['the week in which clocks go forward', Date.UTC(2026, 2, 5)],
  ['the week in which clocks go back', Date.UTC(2026, 9, 29)],
])('in %s', (_, from) => {
  test('every kind of schedule fires at its slots, to the millisecond, and at no other time', async () => {
    const fired = await week(from, 7 * DAY);
    for (const [name, schedule] of Object.entries(SCHEDULES)) {
      const expected = slots(schedule, from, from + 7 * DAY);
      expect(fired.get(name) ?? [], name).toEqual(expected.filter((slot) => slot < from + 7 * DAY));
    }
    expect(fired.get('every 10 minutes')).toHaveLength(7 * 144);
    // The tick: at the start, then every quarter of an hour at this node's minute.
    const phase = hashedPhase('test', 'mirror-tick', 15, [], 'UTC') * 60;
    const tick = slots(
      { rule: { kind: 'interval', every: 900, phase }, windows: [], zone: 'UTC' },
      from,
      from + 7 * DAY,
    );
    expect(fired.get('publish')).toEqual([from, ...tick]);
  });
});

describe('a timetable', () => {
  const schedules = new Map([['debian', every(60, 0)]]);

  test('makes one start of all the slots that a leap of the clock passed', () => {
    const table = timetable(schedules, 0);
    expect(table.take(5 * HOUR + MINUTE)).toEqual(['debian']);
    expect(table.take(5 * HOUR + 2 * MINUTE)).toEqual([]);
    expect(table.next()).toBe(6 * HOUR);
  });

  test('counts anew from where a clock was set back to', () => {
    const table = timetable(schedules, 10 * HOUR);
    expect(table.take(2 * HOUR + MINUTE)).toEqual([]);
    expect(table.next()).toBe(3 * HOUR);
    expect(table.take(3 * HOUR)).toEqual(['debian']);
  });

  test('does not drift, however late it is looked at', () => {
    const table = timetable(schedules, 0);
    const taken = Array.from({ length: 50 }, (_, i) => table.take((i + 1) * HOUR + 7000));
    expect(taken.flat()).toHaveLength(50);
    expect(table.next()).toBe(51 * HOUR);
  });
});

test('a slot that comes while the package’s last run is busy ending is looked at again, once', async () => {
  const from = Date.UTC(2026, 0, 1);
  let now = from;
  const started: number[] = [];
  let end: () => void = () => undefined;
  const events: Event[] = [];
  const applied = appliedOf({ debian: every(10, 0) });
  const running = daemon(
    {
      clock: {
        now: () => now,
        sleep: async (ms) => {
          now += ms;
          if (now === from + 35 * MINUTE) end();
          if (now >= from + 39 * MINUTE) running.stop();
          await new Promise((next) => setImmediate(next));
        },
        wake: () => undefined,
      },
      starter: starterOf((words) => {
        if (words[0] !== 'run') return over();
        started.push((now - from) / MINUTE);
        const run = living(1, () => end());
        end = run.end;
        return run;
      }),
      ...quiet(applied),
      say: (event) => void events.push(event),
    },
    applied,
  );
  expect(await running.ended).toBe(0);
  expect(started).toEqual([10, 35]);
  expect(events.map(({ event }) => event)).toEqual(['started', 'stopping', 'stopped']);
});
