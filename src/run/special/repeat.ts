import { isSuccess } from '../../job/outcome.js';
import type { RepeatIfChangedStep } from '../../job/step.js';
import { countLines } from './count-deletions.js';
import { executeStep } from '../exec.js';
import { GO_ON } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';

/** Asks whether upstream is still as the steps before have read it. An upstream that does not answer ends the run. */
export async function askWhetherChanged(turn: Turn, step: RepeatIfChangedStep): Promise<StepEnd> {
  const end = await executeStep(turn, { ...step, kind: 'exec' }, 'probe');
  if (!isSuccess(end.outcome)) return { outcome: end.outcome, done: true };
  const lines = countLines(turn.log, end.from, new RegExp(step.pattern));
  // Files that vanish while they are counted are a change.
  if (lines === 0 && end.outcome.kind !== 'partial') return GO_ON;
  turn.log.note('INFO', `upstream changed while it was read (${String(lines)} files): another round`);
  return { ...GO_ON, changed: true };
}
