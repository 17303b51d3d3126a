import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../src/job/schedule.js';
import { isOpen, lastSlot, nextSlot, slots } from '../../src/job/slots.js';
import { parseSchedule } from '../../src/model/schedule.js';

const at = (text: string): number => Date.parse(text);
const iso = (times: readonly number[]): string[] =>
  times.map((time) => new Date(time).toISOString().slice(0, 16));

function schedule(keys: Partial<Parameters<typeof parseSchedule>[0]>): Schedule {
  const parsed = parseSchedule({
    syncrate: '',
    id: 'debian',
    node: 'mirror1',
    zone: 'Europe/Berlin',
    ...keys,
  });
  expect(parsed.problems).toEqual([]);
  return parsed.schedule;
}

describe('slots', () => {
  it('of an interval count from the epoch in UTC, whatever the day or the zone', () => {
    const every7h = schedule({ syncrate: 'PT7H', phase: 'PT15M' });
    expect(iso(slots(every7h, at('2027-03-27T20:00Z'), at('2027-03-28T12:00Z')))).toEqual([
      '2027-03-27T22:15',
      '2027-03-28T05:15',
    ]);
    expect(nextSlot(every7h, 0)).toBe(15 * 60_000);
  });

  it('lie after `from` and up to `to`', () => {
    const hourly = schedule({ syncrate: 'PT1H', phase: 'PT5M' });
    expect(slots(hourly, at('2026-11-22T00:05Z'), at('2026-11-22T02:05Z'))).toHaveLength(2);
    expect(slots(hourly, at('2026-11-22T00:05Z'), at('2026-11-22T02:05Z'), 1)).toEqual([
      at('2026-11-22T01:05Z'),
    ]);
    expect(lastSlot(hourly, at('2026-11-22T01:05Z'), at('2026-11-22T01:59Z'))).toBeNull();
    expect(lastSlot(hourly, -Infinity, at('2026-11-22T01:05Z'))).toBe(at('2026-11-22T01:05Z'));
  });

  it('of a wall clock leave out a skipped hour and take a repeated one once', () => {
    const daily = schedule({ synctime: ['02:30', '12:00'] });
    expect(iso(slots(daily, at('2027-03-27T12:00Z'), at('2027-03-29T12:00Z')))).toEqual([
      '2027-03-28T10:00',
      '2027-03-29T00:30',
      '2027-03-29T10:00',
    ]);
    expect(iso(slots(daily, at('2027-10-30T12:00Z'), at('2027-10-31T12:00Z')))).toEqual([
      '2027-10-31T00:30',
      '2027-10-31T11:00',
    ]);
  });

  it('outside every window are none, also over midnight', () => {
    const nightly = schedule({ syncrate: 'PT2H', phase: 'PT5M', window: ['22:00-04:00'] });
    expect(iso(slots(nightly, at('2026-11-22T12:00Z'), at('2026-11-23T12:00Z')))).toEqual([
      '2026-11-22T22:05',
      '2026-11-23T00:05',
      '2026-11-23T02:05',
    ]);
    expect(isOpen(nightly, at('2026-11-22T21:00Z'))).toBe(true);
    expect(isOpen(nightly, at('2026-11-23T03:00Z'))).toBe(false);
  });

  it('are open from a window’s first minute to the one before its last', () => {
    const open = (window: string): string[] => {
      const some = schedule({ syncrate: 'PT30M', phase: 'PT0S', window: [window] });
      return iso(slots(some, at('2026-11-22T11:00Z'), at('2026-11-23T11:00Z')));
    };
    expect(open('14:00-15:00')).toEqual(['2026-11-22T13:00', '2026-11-22T13:30']);
    expect(open('23:30-00:30')).toEqual(['2026-11-22T22:30', '2026-11-22T23:00']);
  });

  it('of a rare day are found, and a search for none ends', () => {
    expect(
      iso([nextSlot(schedule({ schedule: '0 4 29 2 *', zone: 'UTC' }), at('2096-03-01T00:00Z')) ?? 0]),
    ).toEqual(['2104-02-29T04:00']);
    const never: Schedule = {
      rule: {
        kind: 'calendar',
        minutes: [0],
        hours: [0],
        days: [31],
        months: [2],
        weekdays: null,
        zone: 'Europe/Berlin',
      },
      windows: [],
      zone: 'Europe/Berlin',
    };
    const start = performance.now();
    expect(nextSlot(never, at('2026-01-01T00:00Z'))).toBeNull();
    expect(lastSlot(never, -Infinity, at('2026-01-01T00:00Z'))).toBeNull();
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('are the same forward and backward, one by one and all at once', () => {
    const keys = fc.oneof(
      fc.record({ syncrate: fc.constantFrom('PT1M', 'PT7M', 'PT45M', 'PT5H', 'P1D', 'P3D') }),
      fc.record({
        syncrate: fc.constantFrom('PT1M', 'PT7M', 'PT1H', 'PT5H'),
        window: fc.constantFrom(['20:00-07:00'], ['01:00-02:30', '12:00-13:30'], ['02:10-02:50']),
      }),
      fc.record({ schedule: fc.constantFrom('*/20 1-3 * * *', '30 2 * * sun', '0 0 13 * fri') }),
      fc.record({ synctime: fc.constantFrom(['02:30'], ['00:00', '02:15', '23:59']) }),
    );
    const start = fc.constantFrom('2027-03-27T20:00Z', '2027-10-30T20:00Z', '2026-11-22T10:01Z').map(at);
    fc.assert(
      fc.property(keys, start, (some, from) => {
        const parsed = parseSchedule({ syncrate: '', id: 'x', node: 'n', zone: 'Europe/Berlin', ...some });
        if (parsed.schedule.rule.kind === 'none') return;
        const all = slots(parsed.schedule, from, from + 20 * 86_400_000, 60);
        let forward = from;
        for (const slot of all) {
          const next = nextSlot(parsed.schedule, forward);
          expect(next).toBe(slot);
          expect(lastSlot(parsed.schedule, forward, slot)).toBe(slot);
          expect(lastSlot(parsed.schedule, forward, slot - 1)).toBeNull();
          forward = slot;
        }
      }),
      { numRuns: 60, seed: 2026 },
    );
  });

  it('of a minute interval in a short window agree with a look at every minute', () => {
    const some = schedule({ syncrate: 'PT7M', phase: 'PT3M', window: ['02:10-02:50', '23:30-00:20'] });
    const from = at('2027-03-26T00:00Z');
    const expected = Array.from({ length: 4 * 1440 }, (_, i) => from + (i + 1) * 60_000).filter(
      (time) => (time / 60_000 - 3) % 7 === 0 && isOpen(some, time),
    );
    expect(slots(some, from, from + 4 * 86_400_000)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(30);
  });
});
