import { describe, expect, it } from 'vitest';
import { due } from '../../src/job/due.js';
import type { Schedule } from '../../src/job/schedule.js';
import { slots } from '../../src/job/slots.js';
import { noBed } from '../bed/bed.js';
import { wakesIn, type Span } from './clocked.js';

/** Every kind of schedule; those by wall clock meet the hour that spring skips and autumn repeats. */
const PACKAGES = {
  'every-1h': { syncrate: 'PT1H' },
  'every-5h': { syncrate: 'PT5H' },
  'every-6h': { syncrate: 'PT6H' },
  'every-7h': { syncrate: 'PT7H', phase: 'PT2H13M' },
  'every-day': { syncrate: 'P1D' },
  'by-cron': { schedule: '*/20 1-3 * * *' },
  'by-weekday': { schedule: '30 2 * * sun' },
  'at-times': { synctime: ['02:30', '12:00'] },
  'in-window': { syncrate: 'PT1H', window: ['22:00-04:00'] },
  'in-short-window': { syncrate: 'PT30M', window: ['02:00-03:00'] },
  'gtk+': { syncrate: 'PT6H', phase: 'PT59M' },
  pushed: { syncrate: 'PUSH' },
};

const DAY = 86_400_000;
const SPANS: readonly (readonly [string, object, Span, string])[] = [
  ['an ordinary week', PACKAGES, days(7, '2031-06-02T00:00:30Z'), 'Europe/Berlin'],
  [
    'the week of the skipped hour',
    { ...PACKAGES, 'every-10m': { syncrate: 'PT10M' } },
    days(7, '2031-03-26T00:00:30Z'),
    'Europe/Berlin',
  ],
  ['the days around the repeated hour', PACKAGES, days(3, '2031-10-25T00:00:30Z'), 'Europe/Berlin'],
  ['a day in a zone of half hours', PACKAGES, days(1, '2031-06-02T00:00:30Z'), 'Asia/Kolkata'],
];

/** systemd keeps to AccuracySec=1s; cron looks once a minute, in its first seconds. */
const LATE = { systemd: 1000, crontab: 5000 };

describe.skipIf(noBed !== null).each(['systemd', 'crontab'] as const)(
  `real %s with a jumping clock${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  (scheduler) => {
    it.each(SPANS)(
      'starts what is due at its slots and nothing else: %s',
      async (_name, packages, span, zone) => {
        const wakes = await wakesIn(scheduler, packages, span, zone);
        expect(wakes.schedules.size).toBe(Object.keys(packages).length);
        for (const [id, schedule] of wakes.schedules) {
          const runs = decisions(schedule, wakes.of.get(id) ?? [], span.from);
          const wanted = slots(schedule, span.from, span.to);
          expect([id, ...iso(runs.map(({ slot }) => slot))]).toEqual([id, ...iso(wanted)]);
          expect(
            Math.max(0, ...runs.map(({ at, slot }) => at - slot)),
            `${id}: milliseconds late`,
          ).toBeLessThanOrEqual(LATE[scheduler]);
        }
        expect(wakes.of.get('pushed')).toBeUndefined();
        // Nothing is started in vain that divides an hour; only cron needs twice as many looks for half hours.
        const looks = scheduler === 'crontab' && zone === 'Asia/Kolkata' ? 48 : 24;
        expect(wakes.of.get('every-1h')).toHaveLength(((span.to - span.from) / DAY) * looks);
      },
      240_000,
    );
  },
);

/** The runs that the executor would begin when started at `wakes`, each over before the next start. */
function decisions(
  schedule: Schedule,
  wakes: readonly number[],
  baseline: number,
): { at: number; slot: number }[] {
  let lastEnd: number | null = null;
  return wakes.flatMap((at) => {
    const answer = due(schedule, { baseline, lastEnd, minGap: 0, now: at });
    if (!answer.due) return [];
    lastEnd = at + 1;
    return [{ at, slot: answer.slot }];
  });
}

function days(count: number, start: string): Span {
  const from = Date.parse(start);
  return { from, to: from + count * DAY };
}

function iso(times: readonly number[]): string[] {
  return times.map((time) => new Date(time).toISOString());
}
