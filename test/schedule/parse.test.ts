import { describe, expect, it } from 'vitest';
import { nextSlot, slots } from '../../src/job/slots.js';
import { parseCron } from '../../src/model/cron-fields.js';
import { hashedPhase } from '../../src/model/phase.js';
import { parseSchedule, type ScheduleKeys } from '../../src/model/schedule.js';

const NOW = Date.parse('2026-11-22T00:00:00Z');

function parse(keys: Partial<ScheduleKeys>): ReturnType<typeof parseSchedule> {
  return parseSchedule({ syncrate: '', id: 'debian', node: 'mirror1', zone: 'Asia/Seoul', ...keys });
}

function codes(keys: Partial<ScheduleKeys>): string[] {
  return parse(keys).problems.map(({ key, code, severity }) => `${severity} ${key} ${code}`);
}

describe('one key decides when a package runs', () => {
  it('takes syncrate as an interval with a phase of its own', () => {
    const { schedule, interval, push, problems } = parse({ syncrate: 'PT7H' });
    expect(problems).toEqual([]);
    expect(interval).toBe(7 * 3600);
    expect(push).toBe(false);
    expect(schedule).toMatchObject({ rule: { kind: 'interval', every: 25200 }, windows: [] });
  });

  it('prefers schedule and synctime to syncrate, in the local zone', () => {
    expect(parse({ syncrate: 'P1D', schedule: '0 4 * * *' })).toMatchObject({
      schedule: { rule: { kind: 'calendar', minutes: [0], hours: [4], zone: 'Asia/Seoul' } },
      interval: 86400,
      problems: [],
    });
    expect(parse({ syncrate: 'P1D', synctime: ['15:45', '03:15'] })).toMatchObject({
      schedule: { rule: { kind: 'daily', times: [195, 945], zone: 'Asia/Seoul' } },
      interval: 41400,
    });
    expect(codes({ schedule: '0 4 * * *', synctime: '04:00' })).toEqual(['error synctime schedule-conflict']);
  });

  it('has no slots for PUSH and the empty string, and lets an interval be pushed too', () => {
    expect(parse({ syncrate: 'PUSH' })).toMatchObject({
      schedule: { rule: { kind: 'none' } },
      interval: null,
      push: true,
    });
    expect(parse({ syncrate: '' })).toMatchObject({ schedule: { rule: { kind: 'none' } }, push: false });
    expect(parse({ syncrate: 'PT1H', push: true })).toMatchObject({ interval: 3600, push: true });
    expect(nextSlot(parse({ syncrate: 'PUSH' }).schedule, NOW)).toBeNull();
  });
});

describe('mistakes are named', () => {
  it.each([
    [{ syncrate: 'PT90S' }, 'error syncrate interval-minutes'],
    [{ syncrate: 'PT0S' }, 'error syncrate interval-minutes'],
    [{ syncrate: 'P1M' }, 'error syncrate bad-duration'],
    [{ syncrate: 'push' }, 'error syncrate bad-duration'],
    [{ syncrate: 'P9999D' }, 'error syncrate interval-too-long'],
    [{ syncrate: 'PT1H', phase: 'PT1H' }, 'error phase bad-phase'],
    [{ syncrate: 'PT1H', phase: 'PT30S' }, 'error phase bad-phase'],
    [{ schedule: '0 4 * * *', phase: 'PT1M' }, 'warning phase phase-unused'],
    [{ schedule: '0 4 31 2 *' }, 'error schedule no-slot'],
    [{ synctime: '24:00' }, 'error synctime bad-synctime'],
    [{ synctime: [] }, 'error synctime bad-synctime'],
    [{ syncrate: 'PT1H', window: ['7-8'] }, 'error window bad-window'],
    [{ syncrate: 'PT1H', window: ['07:00-07:00'] }, 'error window bad-window'],
    [{ synctime: '12:00', window: ['20:00-07:00'] }, 'error window no-slot'],
    [{ syncrate: 'P1D', phase: 'PT3H', window: ['20:00-07:00'] }, 'error window no-slot'],
    [{ syncrate: 'PUSH', window: ['20:00-07:00'] }, 'warning window window-unused'],
  ])('%j: %s', (keys, code) => {
    expect(codes(keys)).toEqual([code]);
  });

  it('gives a package with an error no slots at all', () => {
    expect(parse({ syncrate: 'PT1H', window: ['nonsense'] })).toMatchObject({
      schedule: { rule: { kind: 'none' } },
      interval: null,
    });
  });
});

describe('the five fields of schedule', () => {
  it('understands lists, ranges, steps, names and 7 for Sunday', () => {
    expect(parseCron('*/20 1-3,22 1-31/10 jan,JUL 5-7', 'UTC')).toEqual({
      kind: 'calendar',
      minutes: [0, 20, 40],
      hours: [1, 2, 3, 22],
      days: [1, 11, 21, 31],
      months: [1, 7],
      weekdays: [0, 5, 6],
      zone: 'UTC',
    });
  });

  it.each(['0 0 1-31 * mon', '0 0 13 * 0-6', '0 0 1-31 * *', '0 0 * * 1-7'])(
    '%s is every day: day or weekday, as cron has it, and so in words',
    (text) => {
      expect(parseCron(text, 'UTC')).toEqual(parseCron('0 0 * * *', 'UTC'));
    },
  );

  it.each([
    ['@daily', 'not one of the five-field schedules'],
    ['0 4 * *', 'this one has 4'],
    ['0 4 * * * root', 'this one has 6'],
    ['60 4 * * *', '`60` is no minute'],
    ['0 24 * * *', '`24` is no hour'],
    ['0 4 0 * *', '`0` is no day'],
    ['0 4 * 13 *', '`13` is no month'],
    ['0 4 * * 8', '`8` is no weekday'],
    ['0 4 * * sat-sun', 'runs backwards'],
    ['*/90 * * * *', 'a step of 90'],
    ['*/0 * * * *', 'a step of 0'],
    ['5/10 * * * *', 'a step needs a range'],
    ['~ 4 * * *', '`~` is no minute'],
    ['0,, 4 * * *', '`` is no minute'],
    ['-1 4 * * *', '`-1` is no minute'],
    ['0 4 */2 * mon', 'crons disagree'],
  ])('refuses %j: %s', (text, message) => {
    const result = parseCron(text, 'UTC');
    expect('message' in result ? result.message : result).toContain(message);
  });
});

describe('a hashed phase', () => {
  it('is stable: a new version that moves everybody is a mistake', () => {
    expect(hashedPhase('mirror1', 'debian', 360, [], 'UTC')).toBe(PINNED.debian);
    expect(hashedPhase('mirror1', 'archlinux', 360, [], 'UTC')).toBe(PINNED.archlinux);
    expect(hashedPhase('mirror2', 'debian', 360, [], 'UTC')).toBe(PINNED.mirror2);
  });

  it('spreads over the whole interval and keeps off minutes 58 to 02', () => {
    const phases = Array.from({ length: 2000 }, (_, i) => hashedPhase('mirror1', `p${i}`, 1440, [], 'UTC'));
    const perHour = Array.from(
      { length: 24 },
      (_, hour) => phases.filter((p) => Math.floor(p / 60) === hour).length,
    );
    expect(Math.min(...perHour)).toBeGreaterThan(45);
    expect(Math.max(...perHour)).toBeLessThan(125);
    expect(phases.filter((p) => [58, 59, 0, 1, 2].includes(p % 60))).toEqual([]);
  });

  it('may use any minute where the interval visits them all', () => {
    const phases = new Set(
      Array.from({ length: 200 }, (_, i) => hashedPhase('mirror1', `p${i}`, 5, [], 'UTC')),
    );
    expect([...phases].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('lies inside the window in winter and in summer, and does not crowd its opening', () => {
    const zone = 'Europe/Berlin';
    const openings = new Set<number>();
    for (let i = 0; i < 50; i += 1) {
      const { schedule, problems } = parse({ syncrate: 'P1D', window: ['01:00-05:00'], id: `p${i}`, zone });
      expect(problems).toEqual([]);
      expect(slots(schedule, Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1))).toHaveLength(365);
      openings.add(schedule.rule.kind === 'interval' ? schedule.rule.phase : -1);
    }
    expect(openings.size).toBeGreaterThan(35);
  });
});

const PINNED = { debian: 235, archlinux: 35, mirror2: 112 };
