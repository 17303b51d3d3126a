import { due } from '../job/due.js';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { PackageState, Request, RunRecord } from '../state/package-state.js';
import type { CutOff, Repairs } from '../state/repair.js';
import { peekState, readBaseline, readHold, readRequest, writeRequest } from '../state/store.js';
import { bootTime, makeUpAt } from './boot.js';
import { readJob } from './job-file.js';

/**
 * Packages to start at `now` (epoch ms) because a slot is due whose timer has elapsed in vain. Either they were held then,
 * or a power cut, a crash or a shutdown ended the run. One that a push had started has no slot: it is asked for again
 * here, since upstream does not push twice. A run that a signal ended in this boot is left for its next slot: somebody
 * stopped its unit, or the host is going down. One whose executor died in this boot waits `retry.delay` first. What was
 * cut off by a reboot is started at once; each then waits its own share of half an hour (`makeUpAt`).
 */
export function dueAgain(layout: Layout, { cutOff, released }: Repairs, now: number): Job[] {
  const bootedAt = bootTime(now);
  const found = new Map<string, Job>();
  const look = (id: string, state: PackageState, from: (job: Job) => number | null): void => {
    try {
      const job = readJob(layout, id);
      const waits = readHold(layout, id, now) !== null || readRequest(layout, id) !== null;
      if (waits || (from(job) ?? Infinity) > now) return;
      const pushed = state.last?.outcome === 'interrupted' && state.last.trigger === 'push';
      if (pushed) writeRequest(layout, id, pushAgain(state.last, job, bootedAt, now));
      if (pushed || isDue(layout, state, job, now)) found.set(id, job);
    } catch {
      // A package that is gone, or a job of another version: the next apply's.
    }
  };
  for (const id of released) look(id, peekState(layout, id), () => 0);
  for (const one of cutOff) look(one.state.id, one.state, (job) => mayStartFrom(one, job, bootedAt));
  return [...found.values()];
}

/** After a reboot it waits for its own moment of the half hour, as slots do. */
function pushAgain({ started }: RunRecord, job: Job, bootedAt: number, now: number): Request {
  const moment = makeUpAt(started, bootedAt, now, job.node, job.id);
  return {
    at: now,
    by: 'mirror',
    allow_deletes: null,
    push: true,
    ...(moment !== null && { not_before: moment }),
  };
}

/** Epoch ms from which the package may be started again, or null: not before its next slot. */
function mayStartFrom({ state: { last }, earlierBoot }: CutOff, job: Job, bootedAt: number): number | null {
  if (last === null) return null;
  if (earlierBoot || last.ended < bootedAt) return 0;
  return last.exit === KILLED ? last.ended + job.retry.delay * 1000 : null;
}

/** Exit code of a run whose executor died without a word (`runLost`); whoever obeys a signal has another. */
const KILLED = 137;

function isDue(layout: Layout, state: PackageState, job: Job, now: number): boolean {
  const baseline = readBaseline(layout, state.id);
  return due(job.schedule, { baseline, lastEnd: state.last_end, minGap: job.min_gap, now }).due;
}
