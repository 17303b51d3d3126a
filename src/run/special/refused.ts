import type { ExecStep } from '../../job/step.js';
import { removeLeftovers } from '../../state/leftovers.js';
import { executeStep } from '../exec.js';
import type { ExecEnd } from '../exec.js';
import type { Turn } from '../steps.js';
import { Lines } from './lines.js';
import { bytes } from './names.js';
import { omission } from './omissions.js';

/** What lftp says of a file that upstream refuses: the answer's number, and the name. A directory's has a `/` in front. */
const REFUSED = /^mirror: Access failed: (\d{3}) [^(]*\(([^/].*)\)$/;

/** Any other error of lftp's. */
const ERROR = /^(mirror|cd|open|set|source): /;

/** Runs a step that has files of its tool's to remove before and after it, or answers of upstream to leave out. */
export async function executeWithCare(turn: Turn, step: ExecStep): Promise<ExecEnd> {
  removeLeftovers(step.leftovers ?? []);
  const end = await executeStep(turn, step, 'pass');
  removeLeftovers(step.leftovers ?? []);
  return step.skip && end.outcome.kind === 'failed' ? leaveOutRefused(turn, step, end) : end;
}

/**
 * The end of a pass that failed only because upstream refused single files with answers that the package leaves out: it
 * counts them and is a success. Any other end stays as it is.
 */
function leaveOutRefused(turn: Turn, step: ExecStep, pass: ExecEnd): ExecEnd {
  const names: string[] = [];
  const answers = new Set<string>();
  let path = '';
  for (const line of new Lines(turn.log.fd, pass.from)) {
    path = /^Transferring file `(.*)'$/.exec(line)?.[1] ?? path;
    const [, answer = '', name = ''] = REFUSED.exec(line) ?? [];
    if (step.skip?.includes(answer)) {
      answers.add(answer);
      names.push(path === name || path.endsWith(`/${name}`) ? path : name);
    } else if (ERROR.test(line)) return pass;
  }
  if (names.length === 0) return pass;
  const why = [...answers].join(', ');
  const shown = names.map((name) => bytes(name).toString('utf8'));
  const omissions = [...pass.omissions, ...omission('refused', { count: names.length, names: shown, why })];
  return { ...pass, outcome: { kind: 'synced' }, omissions };
}
