import type { Job } from './job.js';
import { SERVING } from './serving.js';

/** Most seconds that a run waits for a slot of `limits`: until its next slot, and never longer than a day. */
export const LONGEST_WAIT = 86_400;

/** Seconds over which what a boot or a hold made late is spread. */
const SPREAD = 1800;

/** Seconds that systemd gives the executor beyond the longest run: clocks differ, and a machine can be slow. */
const SLACK = 3600;

type Times = Pick<Job, 'schedule' | 'min_gap' | 'max_runtime' | 'first_sync'>;

/**
 * Seconds after its start in which an executor may begin: a source's turn, a retry, another request. What is begun later
 * is left to the next executor, so that the longest run is one turn longer than this, however many sources, retries and
 * requests there are. Enough for the first turn: its wait for `min_gap`, for its moment after a boot and for a slot.
 */
export function startingSeconds({ schedule, min_gap }: Times): number {
  const { rule, windows } = schedule;
  const interval = rule.kind === 'interval' && windows.length === 0 ? rule.every : LONGEST_WAIT;
  return Math.max(SERVING, Math.min(LONGEST_WAIT, interval) + min_gap + SPREAD);
}

/**
 * Seconds of a source's turn whose tool is ended after `limit` seconds: then the executor has a quarter of that, but at
 * least half a minute and at most an hour, for what it does itself: counting, checking, compressing, publishing.
 */
export function turnSeconds(limit: number): number {
  return limit + Math.min(3600, Math.max(30, limit / 4));
}

/** Seconds of the longest run that keeps to every limit of its job: a first sync that began at the last moment. */
export function longestRunSeconds(job: Times): number {
  return startingSeconds(job) + turnSeconds(Math.max(job.max_runtime, job.first_sync.max_runtime));
}

/** Seconds after which systemd ends an executor that hangs; every limit that matters is the executor's own. */
export function backstopSeconds(job: Times): number {
  return longestRunSeconds(job) + SLACK;
}
