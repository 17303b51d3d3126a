import { isThrough } from '../../job/outcome.js';
import type { Outcome } from '../../job/outcome.js';
import type { EachRepositoryStep } from '../../job/repository-step.js';
import type { EndFacts } from '../../state/reduce.js';
import type { Transfer } from '../../state/package-state.js';
import { together } from '../figures.js';
import { inOrder } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';

/** So many repositories in a row that find no upstream: the others would each wait for it in vain. */
const GONE_AFTER = 3;

/** Most names of failed repositories in the reason. */
const NAMED = 10;

interface Failure {
  readonly name: string;
  readonly outcome: Extract<Outcome, { readonly reason: string }>;
}

/** Syncs one repository after another, and says at the end which of them failed. */
export async function eachRepository(turn: Turn, step: EachRepositoryStep): Promise<StepEnd> {
  const failures: Failure[] = [];
  let whole: Outcome = { kind: 'synced' };
  let transfer: Transfer | null = null;
  let facts: EndFacts = {};
  let inRow = 0;
  for (const { name, steps } of step.repositories) {
    const deleted = (turn.deleted ?? 0) + (transfer?.deleted ?? 0);
    const end = await inOrder({ ...turn, deleted, source: { ...turn.source, steps } });
    transfer = together(transfer, end.transfer);
    const { outcome } = end;
    if (isThrough(outcome)) {
      inRow = 0;
      if (whole.kind === 'synced') whole = outcome;
      continue;
    }
    if (!('reason' in outcome) || endsRun(outcome))
      return { outcome, done: true, transfer, facts: end.facts };
    turn.log.note('ERROR', `${name}: ${outcome.reason}`);
    failures.push({ name, outcome });
    if (end.facts.tripped !== undefined) facts = { tripped: end.facts.tripped };
    inRow = isUnavailable(outcome) ? inRow + 1 : 0;
    if (inRow === GONE_AFTER) return { outcome, done: true, transfer, facts };
  }
  if (failures.length === 0) return { outcome: whole, done: false, transfer };
  return { outcome: sumUp(failures, step.repositories.length), done: true, transfer, facts };
}

/** Whether the next repository would end no better: a full disk, a signal, the time limit. */
function endsRun(outcome: Outcome): boolean {
  if (outcome.kind === 'failed') return ['space', 'log', 'internal'].includes(outcome.failure);
  return outcome.kind !== 'blocked';
}

function isUnavailable(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && outcome.failure === 'unavailable';
}

/**
 * One outcome for all that failed. A tripped guard needs a person, and a retry would not help; next comes what a retry may
 * heal. Upstream is unavailable only if that is so of all of them.
 */
function sumUp(failures: readonly Failure[], all: number): Outcome {
  const blocked = failures.find(({ outcome }) => outcome.kind === 'blocked');
  const mayHeal = failures.find(
    ({ outcome }) => outcome.kind === 'failed' && /^(transfer|io|tool)$/.test(outcome.failure),
  );
  const first = blocked ?? mayHeal ?? failures.find(({ outcome }) => !isUnavailable(outcome)) ?? failures[0];
  if (first === undefined) throw new Error('no repository has failed');
  const names = failures.map(({ name }) => name);
  const shown = [first.name, ...names.filter((name) => name !== first.name)].slice(0, NAMED);
  const more = names.length > NAMED ? `, and ${String(names.length - NAMED)} more in the log` : '';
  const count = `${String(failures.length)} of ${String(all)} repositories failed (${shown.join(', ')}${more})`;
  return { ...first.outcome, reason: `${count}: ${first.outcome.reason}` };
}
