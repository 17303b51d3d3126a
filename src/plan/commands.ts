import type { Job } from '../job/job.js';
import { shellQuoted } from '../job/shell.js';
import type { Step } from '../job/step.js';
import type { ArgvChange } from './plan.js';

/** The commands that differ between two jobs of a package, in the order they run. */
export function argvChanges(before: Job | null, after: Job | null): ArgvChange[] {
  const [old, now] = [commands(before), commands(after)];
  const steps = [...now.keys(), ...[...old.keys()].filter((step) => !now.has(step))];
  return steps
    .map((step) => ({ step, before: old.get(step) ?? null, after: now.get(step) ?? null }))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
}

/** Words of a command as a person would type them in a shell; `<limit>`, a number of the run's, is left as it is. */
export function shellText(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./~<>-]+$/.test(word) ? word : shellQuoted(word))).join(' ');
}

/** Every command of a job by the name of its step. */
function commands(job: Job | null): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  job?.attempts.forEach((attempt, index) => {
    const source = index === 0 ? '' : `source ${String(index + 1)}: `;
    for (const [name, argv] of attempt.steps.flatMap(stepCommands))
      found.set(free(found, source + name), [...job.prefix, ...argv]);
  });
  return found;
}

/** `exec`, and `exec 2` for the second of its kind. */
export function free(taken: { has(name: string): boolean }, name: string): string {
  let candidate = name;
  for (let n = 2; taken.has(candidate); n += 1) candidate = `${name} ${String(n)}`;
  return candidate;
}

function stepCommands(step: Step): [string, readonly string[]][] {
  switch (step.kind) {
    case 'exec':
      return [['exec', withLimit(step.argv, step.delete_limit)]];
    case 'probe':
      return [
        ['probe', step.argv],
        ...step.always.map((always): [string, readonly string[]] => ['always', always.argv]),
      ];
    case 'list-changes':
      return [['list', step.argv]];
    case 'prepare-repository':
      return [['refs', step.argv]];
    case 'fetch-signed-index':
      return [
        ['index', step.argv],
        ...(step.verify ? ([['signature', step.verify.argv]] as [string, readonly string[]][]) : []),
      ];
    case 'each-repository':
      return step.repositories.flatMap((repository) => repository.steps.flatMap(stepCommands));
    case 'count-deletions':
      return [['count', step.argv]];
    case 'prove-apt':
      return step.signed ? [['signature', step.argv]] : [];
    case 'prove-rpm':
      return [
        ['list', step.argv],
        ...(step.verify ? ([['verify', step.verify.argv]] as [string, readonly string[]][]) : []),
      ];
    case 'jigdo-images':
      return [['images', [...step.argv, '<conf>']]];
    case 'count-closed':
      return [['closed', step.argv]];
    case 'repeat-if-changed':
      return [['check', step.argv]];
    case 'require-directory':
    case 'install-marker':
    case 'count-images':
    case 'find-replaced':
    case 'publish-held':
    case 'prove-refs':
    case 'prove-simple':
    case 'delete-refs':
    case 'make-directory':
    case 'verify-listed':
    case 'delete-listed':
    case 'install-lists':
    case 'forget-if-changed':
    case 'write-file':
    case 'check-freshness':
    case 'prove-apt-archive':
      return [];
  }
}

function withLimit(
  argv: readonly string[],
  limit: { flag: string; at: number } | undefined,
): readonly string[] {
  return limit ? argv.toSpliced(limit.at, 0, `${limit.flag}<limit>`) : argv;
}
