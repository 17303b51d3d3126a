import type { FollowHeadStep } from '../../job/head-step.js';
import { executeStep } from '../exec.js';
import { GO_ON } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';

/** Asks which branch is upstream's HEAD and makes it the mirror's. */
export async function followHead(turn: Turn, step: FollowHeadStep): Promise<StepEnd> {
  const asked = await executeStep(turn, { ...step, kind: 'exec' }, 'probe');
  if (asked.outcome.kind !== 'synced') return { outcome: asked.outcome, done: true };
  const said = asked.printed ? turn.log.since(asked.from) : '';
  const branch = /^ref: (refs\/heads\/\S+)\tHEAD$/m.exec(said)?.[1];
  if (branch === undefined) return GO_ON;
  const { tool, cwd, env } = step;
  const argv = [...step.set, branch];
  const rest = { ...(cwd === undefined ? {} : { cwd }), ...(env === undefined ? {} : { env }) };
  const set = await executeStep(turn, { kind: 'exec', tool, argv, ...rest }, 'refresh');
  return set.outcome.kind === 'synced' ? GO_ON : { outcome: set.outcome, done: true };
}
