import { join } from 'node:path';
import { readSmallText } from '../../../boundary/small-file.js';
import type { ProveRefsStep } from '../../../job/proof-step.js';
import { executeStep, otherCommand } from '../../exec.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import { bytes, latin1 } from '../names.js';
import type { Answer } from './answer.js';

/** Branches that a HEAD names rather than another one. */
const USUAL = ['refs/heads/main', 'refs/heads/master'];

/** What HEAD is to be: a branch, or a commit; null: it stays as it is. */
export type Head = { readonly branch: string } | { readonly commit: string } | null;

/**
 * Returns what the mirror's HEAD is to be. `refs` are the mirrored ones, `current` is the branch that HEAD names now. A server
 * that says HEAD's commit but no branch has none, or is too old to say; then a branch with that commit will do.
 */
export function chooseHead(
  { head, branch }: Answer,
  refs: ReadonlyMap<string, string>,
  current: string | null,
): Head {
  if (branch !== null && refs.has(branch)) return { branch };
  const branches = [...refs.keys()].filter((name) => name.startsWith('refs/heads/'));
  const inOrder = [...(current === null ? [] : [current]), ...USUAL, ...branches];
  if (branch === null && head !== null) {
    const same = inOrder.find((name) => refs.get(name) === head);
    return same === undefined ? { commit: head } : { branch: same };
  }
  const any = inOrder.find((name) => refs.has(name));
  if (any !== undefined) return { branch: any };
  return head === null ? null : { commit: head };
}

/** Makes HEAD what upstream's is, as far as that is mirrored. */
export async function followHead(
  turn: Turn,
  step: ProveRefsStep,
  answer: Answer,
  refs: ReadonlyMap<string, string>,
): Promise<StepEnd> {
  const now = latin1(readSmallText(join(step.directory, 'HEAD'), { limitBytes: 4096 })?.trim() ?? '');
  const current = /^ref: (.*)$/.exec(now)?.[1] ?? null;
  const head = chooseHead(answer, refs, current);
  if (head === null) return GO_ON;
  if ('commit' in head) return head.commit === now ? GO_ON : detach(turn, step, head.commit);
  if (answer.branch !== null && answer.branch !== head.branch) {
    const [theirs, ours] = [answer.branch, head.branch].map((name) => bytes(name).toString('utf8'));
    turn.log.note(
      'WARNING',
      `upstream's HEAD is ${String(theirs)}, which is not mirrored: HEAD is ${String(ours)}`,
    );
  }
  if (head.branch === current) return GO_ON;
  return run(turn, step, [...step.set_head, bytes(head.branch).toString('utf8')]);
}

async function detach(turn: Turn, step: ProveRefsStep, commit: string): Promise<StepEnd> {
  const fetched = await run(turn, step, step.fetch_head);
  return fetched.done ? fetched : run(turn, step, [...step.detach_head, commit]);
}

async function run(turn: Turn, step: ProveRefsStep, argv: readonly string[]): Promise<StepEnd> {
  const { outcome } = await executeStep(turn, otherCommand(step, argv), 'refresh');
  return outcome.kind === 'synced' ? GO_ON : { outcome, done: true };
}
