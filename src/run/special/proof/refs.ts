import { existsSync } from 'node:fs';
import type { ProveRefsStep } from '../../../job/proof-step.js';
import type { Outcome } from '../../../job/outcome.js';
import { executeStep, otherCommand } from '../../exec.js';
import type { StepEnd, Turn } from '../../steps.js';
import { chooseRefs, findDifferences, readAnswer } from '../git/answer.js';
import type { Answer } from '../git/answer.js';
import { readRefs } from '../git/delete-refs.js';
import { followHead } from '../git/head.js';
import { bytes } from '../names.js';
import { executeQuietly } from '../quiet.js';

/** How often an upstream that changes during the run is fetched from once more. */
const ROUNDS = 3;

/** Holds the mirrored refs of a repository to upstream's, and makes HEAD what upstream's is. */
export async function proveRefs(turn: Turn, step: ProveRefsStep): Promise<StepEnd> {
  let answer = readAnswer(step.answer);
  for (let round = 0; ; round++) {
    const there = await readRefs(turn, step);
    if ('outcome' in there) return there;
    if (findDifferences(chooseRefs(answer, step.refs), there.refs).length === 0) break;
    const asked = await executeQuietly(turn, otherCommand(step, step.argv), step.answer);
    if (asked.outcome.kind !== 'synced') return { outcome: asked.outcome, done: true };
    const before = answer;
    answer = readAnswer(step.answer);
    const upstream = chooseRefs(answer, step.refs);
    const differences = findDifferences(upstream, there.refs);
    if (differences.length === 0) break;
    if (isSame(before, answer)) return end(leftOut(differences, upstream.size));
    if (round === ROUNDS) return end(keepsChanging());
    const { outcome } = await executeStep(turn, otherCommand(step, step.fetch), 'pass');
    if (outcome.kind !== 'synced') return end(outcome);
  }
  const refs = chooseRefs(answer, step.refs);
  const head = await followHead(turn, step, answer, refs);
  if (!head.done && existsSync(`${step.answer}.changed`)) await warnOfLargeFiles(turn, step);
  return head;
}

function end(outcome: Outcome): StepEnd {
  return { outcome, done: true };
}

function isSame(a: Answer, b: Answer): boolean {
  return a.refs.size === b.refs.size && findDifferences(a.refs, b.refs).length === 0;
}

function leftOut(names: readonly string[], all: number): Outcome {
  const example = bytes(names[0] ?? '').toString('utf8');
  const reason = `${String(names.length)} of upstream's ${String(all)} refs did not come, such as ${example}`;
  return { kind: 'failed', failure: 'transfer', reason };
}

function keepsChanging(): Outcome {
  const reason = `upstream's refs changed in each of ${String(ROUNDS)} rounds of fetching`;
  return { kind: 'failed', failure: 'unavailable', reason };
}

/** Says in the log that the content of some files is elsewhere. */
async function warnOfLargeFiles(turn: Turn, step: ProveRefsStep): Promise<void> {
  const found = await executeQuietly(turn, otherCommand(step, step.attributes), `${step.answer}.attributes`);
  if (found.outcome.kind !== 'synced' || !found.printed) return;
  turn.log.note(
    'WARNING',
    'the repository keeps files in Git LFS: they are not mirrored, and clients fetch them from their own LFS server',
  );
}
