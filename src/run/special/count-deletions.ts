import type { CountDeletionsStep } from '../../job/step.js';
import { countEntries, deleteLimit, enoughEntries, tooMany } from '../guard.js';
import { executeStep } from '../exec.js';
import type { LogFile } from '../log-file.js';
import { GO_ON } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';
import { Lines } from './lines.js';

/** Asks what the next pass would delete and ends the run before it when that is more than the guard allows. */
export async function countDeletions(turn: Turn, step: CountDeletionsStep): Promise<StepEnd> {
  const { log } = turn;
  const end = await executeStep(turn, { ...step, kind: 'exec' }, 'probe');
  if (end.outcome.kind !== 'synced') return { outcome: end.outcome, done: true };
  const deletions = countLines(log, end.from, new RegExp(step.pattern));
  const { guard, dst } = turn.session.job;
  const limit = turn.allowDeletes ?? deleteLimit(guard, countEntries(dst, enoughEntries(guard)));
  log.note('INFO', `${String(deletions)} would be deleted, at most ${String(limit)} may be`);
  return tooMany(deletions, limit, { id: turn.session.job.id }) ?? GO_ON;
}

/** Lines of the log from byte `from` on that match; a dry run of a large mirror prints more than fits in memory. */
export function countLines(log: LogFile, from: number, pattern: RegExp): number {
  let count = 0;
  for (const line of new Lines(log.fd, from)) if (pattern.test(line)) count += 1;
  return count;
}
