import type { DeleteRefsStep, RefsOfRepository } from '../../../job/repository-step.js';
import { deleteLimit, tooMany } from '../../guard.js';
import { executeStep, otherCommand } from '../../exec.js';
import { figures } from '../../figures.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import { bytes } from '../names.js';
import { executeQuietly } from '../quiet.js';
import { chooseRefs, namesOnlyIn, readAnswer } from './answer.js';

/** Deletes the refs that upstream, which has been proved by now, no longer has. */
export async function deleteRefs(turn: Turn, step: DeleteRefsStep): Promise<StepEnd> {
  const there = await readRefs(turn, step);
  if ('outcome' in there) return there;
  const upstream = chooseRefs(readAnswer(step.answer), step.refs);
  const gone = namesOnlyIn(there.refs, upstream);
  return blockedByRefs(turn, gone.length, there.refs.size) ?? removeRefs(turn, step, gone, there.refs);
}

/** The mirrored refs that dst has, or how the run ends because git cannot tell. */
export async function readRefs(
  turn: Turn,
  step: RefsOfRepository,
): Promise<{ readonly refs: ReadonlyMap<string, string> } | StepEnd> {
  const path = `${step.answer}.there`;
  const end = await executeQuietly(turn, otherCommand(step, step.list), path);
  if (end.outcome.kind !== 'synced') return { outcome: end.outcome, done: true };
  return { refs: chooseRefs(readAnswer(path), step.refs) };
}

/**
 * How the run ends if it may not delete so many refs, or null. `all` are those that are there with the new ones: a branch
 * that was renamed is one that came and one that went.
 */
export function blockedByRefs(turn: Turn, deletions: number, all: number): StepEnd | null {
  if (deletions === 0) return null;
  const { id, guard } = turn.session.job;
  const deleted = turn.deleted ?? 0;
  const limit = turn.allowDeletes ?? Math.min(deleteLimit(guard, all) + deleted, guard.deletes);
  return tooMany(deletions + deleted, Math.max(deleted, limit), { id });
}

/** Deletes these refs, all or none, and only as long as they are what was counted. */
export async function removeRefs(
  turn: Turn,
  step: RefsOfRepository,
  names: readonly string[],
  ids: ReadonlyMap<string, string>,
): Promise<StepEnd> {
  if (names.length === 0) return GO_ON;
  const lines = names.map((name) => `delete ${bytes(name).toString('utf8')} ${ids.get(name) ?? ''}\n`);
  const command = { ...otherCommand(step, step.update), input: `option no-deref\n${lines.join('')}` };
  const end = await executeStep(turn, command, 'refresh');
  if (end.outcome.kind !== 'synced') return { outcome: end.outcome, done: true };
  for (const name of names) turn.log.note('INFO', `deleted ${bytes(name).toString('utf8')}`);
  return { ...GO_ON, transfer: figures({ deleted: names.length }) };
}
