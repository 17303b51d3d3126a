import { due } from '../job/due.js';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { CutOff } from '../state/repair.js';
import { readBaseline, readHold, readRequest } from '../state/store.js';
import { bootTime } from './boot.js';
import { readJob } from './job-file.js';

/**
 * Packages to start again at `now` (epoch ms): a power cut, a crash or a shutdown ended their run, and the slot that it
 * was for is still due. Their timer will not: it has elapsed for that slot. A run that a signal ended in this boot is left
 * for its next slot: somebody stopped its unit, or the host is going down. One whose executor died in this boot waits
 * `retry.delay` first. What was cut off by a reboot is started at once; each then waits its own share of half an hour (`makeUpAt`).
 */
export function dueAgain(layout: Layout, cutOff: readonly CutOff[], now: number): Job[] {
  const bootedAt = bootTime(now);
  return cutOff.flatMap((one) => {
    const { id } = one.state;
    try {
      const job = readJob(layout, id);
      const since = mayStartFrom(one, job, bootedAt);
      const waits = readHold(layout, id, now) !== null || readRequest(layout, id) !== null;
      return since !== null && since <= now && !waits && isDue(layout, one, job, now) ? [job] : [];
    } catch {
      // A package that is gone, or a job of another version: the next apply's.
      return [];
    }
  });
}

/** Epoch ms from which the package may be started again, or null: not before its next slot. */
function mayStartFrom({ state: { last }, earlierBoot }: CutOff, job: Job, bootedAt: number): number | null {
  if (last === null) return null;
  if (earlierBoot || last.ended < bootedAt) return 0;
  return last.exit === KILLED ? last.ended + job.retry.delay * 1000 : null;
}

/** Exit code of a run whose executor died without a word (`runLost`); whoever obeys a signal has another. */
const KILLED = 137;

function isDue(layout: Layout, { state }: CutOff, job: Job, now: number): boolean {
  const baseline = readBaseline(layout, state.id);
  return due(job.schedule, { baseline, lastEnd: state.last_end, minGap: job.min_gap, now }).due;
}
