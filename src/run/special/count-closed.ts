import type { CountClosedStep } from '../../job/step.js';
import { executeStep } from '../exec.js';
import { GO_ON } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';
import { Lines } from './lines.js';
import { bytes, latin1 } from './names.js';
import { EXAMPLES, omission } from './omissions.js';

/** Tells of what others cannot read. A walk that fails tells nothing, and fails no run: dst is synced. */
export async function countClosed(turn: Turn, step: CountClosedStep): Promise<StepEnd> {
  const { dst } = turn.session.job;
  const { outcome, from } = await executeStep(turn, { ...step, kind: 'exec' }, 'probe');
  if (outcome.kind !== 'synced') return GO_ON;
  const prefix = latin1(`${dst}/`);
  let count = 0;
  const names: string[] = [];
  for (const line of new Lines(turn.log.fd, from)) {
    if (!line.startsWith(prefix)) continue;
    count += 1;
    if (names.length < EXAMPLES) names.push(bytes(line.slice(prefix.length)).toString('utf8'));
  }
  return { ...GO_ON, omissions: omission('closed', { count, names }) };
}
