import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { due, type DueFacts } from '../../src/job/due.js';
import type { Schedule } from '../../src/job/schedule.js';
import { slots } from '../../src/job/slots.js';

const at = (time: string): number => Date.parse(`2026-11-22T${time}Z`);

const hourly: Schedule = { rule: { kind: 'interval', every: 3600, phase: 300 }, windows: [], zone: 'UTC' };

const facts = (now: string, other: Partial<DueFacts> = {}): DueFacts => ({
  baseline: at('00:00'),
  lastEnd: null,
  minGap: 0,
  now: at(now),
  ...other,
});

describe('a scheduled run', () => {
  it('is due once its slot has come, and the slot it is for is the newest', () => {
    expect(due(hourly, facts('01:04'))).toMatchObject({ due: true, slot: at('00:05') });
    expect(due(hourly, facts('05:59'))).toMatchObject({ due: true, slot: at('05:05') });
    expect(due(hourly, facts('00:04'))).toMatchObject({ due: false, reason: 'no-slot' });
  });

  it('is not due for slots that passed before the last run ended or before apply installed the schedule', () => {
    expect(due(hourly, facts('05:59', { lastEnd: at('05:30') }))).toMatchObject({
      due: false,
      reason: 'no-slot',
    });
    expect(due(hourly, facts('06:05', { lastEnd: at('05:30') }))).toMatchObject({
      due: true,
      slot: at('06:05'),
    });
    expect(due(hourly, facts('05:59', { baseline: at('05:30') }))).toMatchObject({ due: false });
  });

  it('waits for its window and keeps the gap after the last run', () => {
    const nightly: Schedule = { ...hourly, windows: [{ from: 20 * 60, to: 60 }] };
    expect(due(nightly, facts('01:30'))).toMatchObject({ due: false, reason: 'window' });
    expect(due(nightly, facts('20:04'))).toMatchObject({ due: true, slot: at('00:05') });
    const gap = { lastEnd: at('04:50'), minGap: 1800 };
    expect(due(hourly, facts('05:19', gap))).toMatchObject({ due: false, reason: 'min-gap' });
    expect(due(hourly, facts('05:20', gap))).toMatchObject({ due: true, slot: at('05:05') });
  });

  it('ignores stored times of the future, and says so', () => {
    expect(due(hourly, facts('03:00', { lastEnd: at('23:00') }))).toEqual({
      due: true,
      slot: at('02:05'),
      ignored: ['lastEnd'],
    });
    expect(due(hourly, facts('03:00', { baseline: at('23:00'), lastEnd: at('02:30') }))).toEqual({
      due: false,
      reason: 'no-slot',
      ignored: ['baseline'],
    });
  });

  it('is never due without a schedule', () => {
    const none: Schedule = { rule: { kind: 'none' }, windows: [], zone: 'UTC' };
    expect(due(none, facts('12:00', { baseline: null }))).toMatchObject({ due: false, reason: 'no-slot' });
  });

  it('happens for every slot that does not pass during a run, and for no other time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 20 }),
        (every, lengths) => {
          const rule: Schedule = {
            rule: { kind: 'interval', every: every * 60, phase: 0 },
            windows: [],
            zone: 'UTC',
          };
          let lastEnd: number | null = null;
          let now = at('00:00');
          for (const length of lengths) {
            // A tick every minute, as from a timer that knows nothing.
            let result = due(rule, { baseline: at('00:00'), lastEnd, minGap: 0, now });
            while (!result.due) {
              now += 60_000;
              result = due(rule, { baseline: at('00:00'), lastEnd, minGap: 0, now });
            }
            expect(result.slot).toBe(now);
            expect(slots(rule, lastEnd ?? at('00:00'), now)).toEqual([now]);
            lastEnd = now + length * 60_000;
            now = lastEnd;
          }
        },
      ),
      { numRuns: 30, seed: 2026 },
    );
  });
});
