import type { Job } from '../job/job.js';
import { retryable } from '../job/outcome.js';
import type { Outcome } from '../job/outcome.js';

/**
 * When to try a slot again (epoch ms), or null to give up: the outcome is one that time does not heal, `attempts` are
 * used up (`attempt` counts from 1), or it would be too late: not before `latest`, the next slot or the last start. The delay doubles up to `max_delay`.
 */
export function retryAt(
  retry: Job['retry'],
  outcome: Outcome,
  attempt: number,
  now: number,
  latest: number,
): number | null {
  if (!retryable(outcome) || attempt >= retry.attempts) return null;
  const delay = Math.min(retry.delay * 2 ** (attempt - 1), Math.max(retry.delay, retry.max_delay));
  const at = now + delay * 1000;
  return at >= latest ? null : at;
}
