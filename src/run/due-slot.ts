import { due } from '../job/due.js';
import type { Outcome } from '../job/outcome.js';
import type { PackageState } from '../state/package-state.js';
import { readBaseline } from '../state/store.js';
import type { Session } from './session.js';

/** The slot (epoch ms) that a scheduled run is for now, or the outcome not-due. */
export function dueSlot(
  session: Session,
  state: PackageState,
  now: number,
): { readonly slot: number } | { readonly outcome: Outcome } {
  const { layout, job, say } = session;
  const answer = due(job.schedule, {
    baseline: readBaseline(layout, job.id),
    lastEnd: state.last_end,
    minGap: job.min_gap,
    now,
  });
  for (const what of answer.ignored) say('WARNING', `stored ${what} lies in the future and is ignored`);
  return answer.due ? { slot: answer.slot } : { outcome: { kind: 'not-due', reason: answer.reason } };
}
