import type { CountDeletionsStep } from '../../job/step.js';
import { countEntries, deleteLimit, enoughEntries, tooMany } from '../guard.js';
import { executeStep, otherCommand } from '../exec.js';
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
  const limit = await limitFor(turn, step);
  if (typeof limit !== 'number') return limit;
  log.note('INFO', `${String(deletions)} would be deleted, at most ${String(limit)} may be`);
  return tooMany(deletions, limit, { id: turn.session.job.id }) ?? GO_ON;
}

/** The guard's number for what there is, or how the run ends because that cannot be told. */
async function limitFor(turn: Turn, step: CountDeletionsStep): Promise<number | StepEnd> {
  const { job } = turn.session;
  if (turn.allowDeletes !== null) return turn.allowDeletes;
  if (step.existing === undefined) {
    return deleteLimit(job.guard, countEntries(job.dst, enoughEntries(job.guard)));
  }
  const end = await executeStep(turn, otherCommand(step, step.existing), 'probe');
  if (end.outcome.kind !== 'synced') return { outcome: end.outcome, done: true };
  return deleteLimit(job.guard, countLines(turn.log, end.from, /./));
}

/** Lines of the log from byte `from` on that match; a dry run of a large mirror prints more than fits in memory. */
export function countLines(log: LogFile, from: number, pattern: RegExp): number {
  let count = 0;
  for (const line of new Lines(log.fd, from)) if (pattern.test(line)) count += 1;
  return count;
}
