import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  LONGEST_WAIT,
  backstopSeconds,
  longestRunSeconds,
  startingSeconds,
  turnSeconds,
} from '../../src/job/longest.js';
import { nextSlot } from '../../src/job/slots.js';
import type { Rule } from '../../src/job/schedule.js';
import { retryAt } from '../../src/run/retry.js';

// The executor's limits and its unit's are one rule: whatever a run meets with, it ends before systemd ends it, and systemd
// does not wait much longer.

const HOUR = 3600;
const rules = fc.oneof(
  fc
    .integer({ min: 1, max: 60 * 24 * 7 })
    .map((minutes): Rule => ({ kind: 'interval', every: minutes * 60, phase: 0 })),
  fc.constant<Rule>({ kind: 'none' }),
);
const jobs = fc.record({
  schedule: rules.map((rule) => ({ rule, windows: [], zone: 'UTC' })),
  min_gap: fc.integer({ min: 0, max: 7 * 86_400 }),
  max_runtime: fc.integer({ min: 60, max: 30 * 86_400 }),
  first_sync: fc.record({ max_runtime: fc.integer({ min: 60, max: 30 * 86_400 }) }),
  retry: fc.record({
    delay: fc.integer({ min: 1, max: HOUR }),
    attempts: fc.integer({ min: 1, max: 10 }),
    max_delay: fc.integer({ min: 1, max: 86_400 }),
  }),
  sources: fc.integer({ min: 1, max: 5 }),
});

test('a run that has the worst luck ends before its unit is ended, and at most two hours before', () => {
  fc.assert(
    fc.property(
      jobs,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 60, maxLength: 60 }),
      (job, luck) => {
        let n = 0;
        const share = (seconds: number): number => Math.floor(seconds * (luck[n++ % luck.length] ?? 1));
        const until = startingSeconds(job);
        const turn = turnSeconds(Math.max(job.max_runtime, job.first_sync.max_runtime));
        // What it waits for before its first turn: min_gap (not beyond the next slot), its moment after a boot.
        let now = Math.min(until, share(job.min_gap) + share(1800));
        for (let attempt = 1; ; attempt++) {
          for (let source = 0; source < job.sources; source++) {
            if (source > 0 && now > until) break;
            const next = (nextSlot(job.schedule, now * 1000) ?? Infinity) / 1000;
            const waits = Math.max(0, Math.min(next, now + LONGEST_WAIT, until) - now);
            now += share(waits) + share(turn);
          }
          const latest = Math.min(nextSlot(job.schedule, now * 1000) ?? Infinity, until * 1000);
          const again = retryAt(job.retry, { kind: 'timed-out', reason: '' }, attempt, now * 1000, latest);
          if (again === null) break;
          now = again / 1000;
        }
        expect(now).toBeLessThanOrEqual(longestRunSeconds(job));
        expect(backstopSeconds(job)).toBeGreaterThanOrEqual(longestRunSeconds(job));
        expect(backstopSeconds(job)).toBeLessThanOrEqual(longestRunSeconds(job) + 2 * HOUR);
      },
    ),
    { numRuns: 500 },
  );
});

test('the executor has time of its own after its tool: a quarter of the limit, half a minute to an hour', () => {
  expect([60, 600, 12 * HOUR, 7 * 86_400].map((limit) => turnSeconds(limit) - limit)).toEqual([
    30,
    150,
    HOUR,
    HOUR,
  ]);
});
