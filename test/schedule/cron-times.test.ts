import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slots } from '../../src/job/slots.js';
import { parseCron } from '../../src/model/cron-fields.js';
import { cronTimes } from '../../src/schedulers/crontab/times.js';
import type { ActiveRule } from '../../src/schedulers/ticks.js';

const BASE = Date.UTC(2027, 2, 13, 22, 17);

const interval = (every: number, phase: number): ActiveRule => ({
  kind: 'interval',
  every: every * 60,
  phase: (phase % every) * 60,
});

const durations = fc.tuple(fc.integer({ min: 1, max: 43200 }), fc.nat(43200)).map(([e, p]) => interval(e, p));

const slotsOf = (rule: ActiveRule, from: number, to: number, limit: number): number[] =>
  slots({ rule, windows: [], zone: 'UTC' }, from, to, limit);

/** When a cron that keeps `zone` next looks, at `time` or after it. */
function nextTick(times: string, zone: string, time: number): number {
  return new Cron(times, { timezone: zone }).nextRun(new Date(time - 1))?.getTime() ?? Infinity;
}

describe('the cron line of an interval', () => {
  it('is exact where the interval divides an hour', () => {
    for (const every of [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60]) {
      for (const phase of [0, 1, every - 1]) {
        const rule = interval(every, phase);
        const ticks = new Cron(cronTimes(rule, 'UTC'), { timezone: 'UTC' }).nextRuns(150, new Date(BASE));
        const times = ticks.map((tick) => tick.getTime());
        expect(times, `every ${every} from ${phase}`).toEqual(slotsOf(rule, BASE, times.at(-1) ?? 0, 200));
      }
    }
  });

  it('looks at every slot of any other duration, in every zone that the site may keep', () => {
    fc.assert(
      fc.property(
        durations,
        fc.constantFrom(
          'UTC',
          'Asia/Seoul',
          'America/New_York',
          'Asia/Kolkata',
          'Asia/Kathmandu',
          'Australia/Lord_Howe',
        ),
        (rule, zone) => {
          const times = cronTimes(rule, zone);
          for (const slot of slotsOf(rule, BASE, BASE + 400 * 86_400_000, 20)) {
            expect(nextTick(times, zone, slot)).toBe(slot);
            expect(nextTick(times, 'UTC', slot)).toBe(slot);
          }
        },
      ),
      { numRuns: 150, seed: 2026 },
    );
  });

  it('looks within the hour after a slot where cron keeps another zone than the site says', () => {
    fc.assert(
      fc.property(
        durations,
        fc.constantFrom('Asia/Kolkata', 'Asia/Kathmandu', 'Pacific/Chatham'),
        (rule, zone) => {
          const times = cronTimes(rule, 'Europe/Berlin');
          for (const slot of slotsOf(rule, BASE, BASE + 400 * 86_400_000, 10)) {
            expect(nextTick(times, zone, slot) - slot).toBeLessThanOrEqual(3_600_000);
          }
        },
      ),
      { numRuns: 60, seed: 2026 },
    );
  });

  it('reads as a person would write it', () => {
    expect(cronTimes(interval(10, 3), 'UTC')).toBe('3-59/10 * * * *');
    expect(cronTimes(interval(10, 0), 'UTC')).toBe('*/10 * * * *');
    expect(cronTimes(interval(1, 0), 'UTC')).toBe('* * * * *');
    expect(cronTimes(interval(420, 75), 'Asia/Seoul')).toBe('15 * * * *');
    expect(cronTimes(interval(420, 75), 'Asia/Kolkata')).toBe('15-59/30 * * * *');
    expect(cronTimes(interval(90, 5), 'UTC')).toBe('5-59/30 * * * *');
  });
});

describe('the cron line of a wall-clock schedule', () => {
  it('reads as a person would write it', () => {
    const times = (text: string): string => {
      const rule = parseCron(text, 'Asia/Seoul');
      return 'kind' in rule ? cronTimes(rule, 'Asia/Seoul') : rule.message;
    };
    expect(times('*/5 1-3 * * *')).toBe('*/5 * * * *');
    expect(times('7-59/20 3 * * *')).toBe('7-59/20 * * * *');
    expect(times('5,45 3 * * *')).toBe('5,45 * * * *');
    expect(times('30 3 * * *')).toBe('30 * * * *');
  });

  it('looks at every slot, whether cron keeps the site’s zone or UTC, over clock changes too', () => {
    for (const zone of [
      'America/New_York',
      'Europe/Berlin',
      'Asia/Kolkata',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
    ]) {
      for (const text of ['5 2 * * *', '*/20 1-3 * * 0', '30 1 14 3 *']) {
        const rule = parseCron(text, zone);
        if (!('kind' in rule)) throw new Error(rule.message);
        const times = cronTimes(rule, zone);
        for (const slot of slotsOf(rule, BASE, BASE + 400 * 86_400_000, 12)) {
          expect(nextTick(times, zone, slot), `${text} ${zone}`).toBe(slot);
          expect(nextTick(times, 'UTC', slot), `${text} ${zone}`).toBe(slot);
        }
      }
    }
  });
});
