import type { FollowHeadStep } from '../../job/head-step.js';
import { executeStep, otherCommand } from '../exec.js';
import { GO_ON } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';

/** Asks which branch is upstream's HEAD and makes it the mirror's. */
export async function followHead(turn: Turn, step: FollowHeadStep): Promise<StepEnd> {
  const asked = await executeStep(turn, { ...step, kind: 'exec' }, 'probe');
  if (asked.outcome.kind !== 'synced') return { outcome: asked.outcome, done: true };
  const said = asked.printed ? turn.log.since(asked.from) : '';
  const branch = /^ref: (refs\/heads\/\S+)\tHEAD$/m.exec(said)?.[1];
  if (branch === undefined) return GO_ON;
  const set = await executeStep(turn, otherCommand(step, [...step.set, branch]), 'refresh');
  return set.outcome.kind === 'synced' ? GO_ON : { outcome: set.outcome, done: true };
}
