import { HIDDEN, isSecretKey } from '../config/secret-text.js';
import type { Job } from '../job/job.js';
import type { ExecStep, Step } from '../job/step.js';
import { formatDuration } from '../model/duration.js';
import { shellText } from '../plan/commands.js';

/** A step for people; `argv` is exact but for `<limit>`, which is known when it runs. */
export interface StepWords {
  readonly text: string;
  readonly argv?: readonly string[];
  /** The same as a shell would take it. */
  readonly command?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Commands that follow a probe that found nothing new. */
  readonly always?: readonly string[];
}

/** What a step does, and its exact command. */
export function stepWords(step: Step, job: Job): StepWords {
  switch (step.kind) {
    case 'require-directory':
      return { text: `make sure that ${step.path} is there, and the same as at the last success` };
    case 'probe': {
      const limits = `${formatDuration(step.timeout)} at most; a full pass every ${formatDuration(step.full_every)} in any case`;
      return {
        text: `ask whether \`${step.marker}\` has changed, and end here if not (${limits})`,
        ...commandWords(step, job),
        ...(step.always.length > 0
          ? { always: step.always.map(({ argv }) => shellText([...job.prefix, ...argv])) }
          : {}),
      };
    }
    case 'exec':
      return { text: execText(step, job), ...commandWords(step, job) };
    case 'install-marker':
      return { text: `put the \`${step.marker}\` that was fetched first into ${job.dst}` };
  }
}

function execText(step: ExecStep, job: Job): string {
  const notes = [
    ...(step.delete_limit ? [limitText(job)] : []),
    ...(step.stdin_secret === undefined ? [] : ['the password goes to its standard input']),
    ...Object.entries(step.accept ?? {}).map(
      ([code, reason]) => `exit ${code} counts as incomplete: ${reason}`,
    ),
  ];
  return notes.length > 0 ? `run this (${notes.join('; ')})` : 'run this';
}

/** The delete guard as a rule: its number is computed when the step runs, from what dst holds then. */
function limitText({ guard }: Job): string {
  const share = `${Math.round(guard.ratio * 1e5) / 1000} % of dst's files but not less than 1000`;
  return `<limit> is the least of ${guard.deletes}, ${share}, and half of them`;
}

function commandWords(
  step: Extract<Step, { argv: unknown }>,
  job: Job,
): Pick<StepWords, 'argv' | 'command' | 'env'> {
  const limit = step.kind === 'exec' ? step.delete_limit : undefined;
  const words = limit ? step.argv.toSpliced(limit.at, 0, `${limit.flag}<limit>`) : step.argv;
  const argv = [...job.prefix, ...words];
  const env = hidden({ ...job.env, ...step.env });
  const variables = Object.entries(env).map(([name, value]) => `${name}=${shellText([value])}`);
  return {
    argv,
    command: [...variables, shellText(argv)].join(' '),
    ...(variables.length > 0 ? { env } : {}),
  };
}

function hidden(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, isSecretKey(name) ? HIDDEN : value]),
  );
}
