import type { Job } from '../../job/job.js';
import type { Layout } from '../../job/layout.js';
import type { Outcome } from '../../job/outcome.js';
import { writeRequest } from '../../state/store.js';
import { readJob } from '../job-file.js';
import { heldNow } from '../session.js';
import type { Session } from '../session.js';
import type { AttemptWish } from '../turns.js';

/**
 * Looked at by a run that has slept or waited, right before it begins: how it ends because somebody has held its package
 * meanwhile or applied another job, or null. What is applied now may need another user, sandbox or password, so a request
 * is left to start it; `wish` is null where the request that this run waits for is still there.
 */
export function overtaken({ layout, job }: Session, wish: AttemptWish | null): Outcome | null {
  const held = heldNow(layout, job.id);
  if (held !== null) return held;
  const applied = appliedJob(layout, job.id);
  if (applied === null) return { kind: 'not-due', reason: 'the package is gone' };
  if (isSame(applied, job)) return null;
  if (wish !== null) {
    writeRequest(layout, job.id, {
      at: Date.now(),
      by: 'mirror',
      allow_deletes: wish.allowDeletes,
      ...(wish.trigger === 'push' && { push: true }),
      ...(wish.words.length > 0 && { words: wish.words }),
    });
  }
  return { kind: 'not-due', reason: 'the package was changed while this run waited: another one begins' };
}

/** The job that is applied now, null where there is none. */
function appliedJob(layout: Layout, id: string): Job | null {
  try {
    return readJob(layout, id);
  } catch {
    return null;
  }
}

/**
 * The job with which this process may serve another request: what is applied now, unless it needs what only a new
 * process has: its unit's sandbox and credentials, another user, a password that root alone reads. Then null: the next
 * `mirror publish`, which a unit's end calls, starts it.
 */
export function jobToServe({ layout, job, scheduled }: Session): Job | null {
  const applied = appliedJob(layout, job.id);
  if (applied === null || isSame(applied, job)) return applied;
  const inUnit = scheduled && applied.scheduler === 'systemd';
  const secret = Object.keys(applied.secrets).length > 0;
  return inUnit || secret || JSON.stringify(applied.run_as) !== JSON.stringify(job.run_as) ? null : applied;
}

/** apply writes the same job the same way. */
function isSame(a: Job, b: Job): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
