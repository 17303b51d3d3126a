import { due } from '../job/due.js';
import { isOpen, nextSlot } from '../job/slots.js';
import type { Outcome } from '../job/outcome.js';
import type { PackageState } from '../state/package-state.js';
import { readBaseline } from '../state/store.js';
import type { Session } from './session.js';

/**
 * The slot that a scheduled run is for, and from when it may begin (both epoch ms), or the outcome not-due. What keeps a
 * slot only waiting for the end of `min_gap` waits here: a timer that elapses at the slots alone does not come back for it.
 */
export function dueSlot(
  session: Session,
  state: PackageState,
  now: number,
): { readonly slot: number; readonly from: number } | { readonly outcome: Outcome } {
  const { layout, job, say } = session;
  const answer = due(job.schedule, {
    baseline: readBaseline(layout, job.id),
    lastEnd: state.last_end,
    minGap: job.min_gap,
    now,
  });
  for (const what of answer.ignored) say('WARNING', `stored ${what} lies in the future and is ignored`);
  if (answer.due) return { slot: answer.slot, from: now };
  if (answer.reason === 'min-gap' && isOpen(job.schedule, answer.from)) {
    const next = nextSlot(job.schedule, now);
    if (next === null || answer.from < next) return answer;
  }
  return { outcome: { kind: 'not-due', reason: answer.reason } };
}
