import type { ListStep } from '../../../job/list-step.js';
import type { Outcome } from '../../../job/outcome.js';
import type { StepEnd, Turn } from '../../steps.js';
import { compareLists } from './compare.js';
import { deleteListed } from './delete.js';
import { installLists } from './install.js';
import { verifyListed } from './verify.js';

/** Interprets a step of list-driven methods; `sofar` is how the steps before it ended. */
export async function runListStep(turn: Turn, step: ListStep, sofar: Outcome): Promise<StepEnd> {
  switch (step.kind) {
    case 'list-changes':
      return compareLists(turn, step);
    case 'verify-listed':
      return verifyListed(turn, step);
    case 'delete-listed':
      return deleteListed(turn, step, sofar);
    case 'install-lists':
      return installLists(turn, step, sofar);
  }
}
