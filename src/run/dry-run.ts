import type { Job } from '../job/job.js';
import { EXIT } from '../job/outcome.js';
import type { Exec, Step } from '../job/step.js';
import type { PackageState } from '../state/package-state.js';
import { shown } from './console.js';
import type { TransferEnd } from './dry-transfer.js';
import { commandLine, currentLimit } from './exec.js';

/** What a run would do now, one line a step, with the delete limit that it would have. Starts nothing. */
export function describeRun(job: Job, state: PackageState, allowDeletes: number | null): string[] {
  const limit = (): number => currentLimit(job, state, allowDeletes);
  return job.attempts.flatMap((attempt, index) => [
    index === 0
      ? `from ${attempt.src || 'this host'}`
      : `or, if upstream is unavailable, from ${attempt.src}`,
    ...attempt.steps.flatMap((step) => describeStep(job, step, limit)).map((line) => `  ${line}`),
  ]);
}

/** The same for programs, with what the tools' own dry runs said, where they were asked. */
export function dryRunText(id: string, commands: readonly string[], transfer: TransferEnd | null): string {
  const { exit = EXIT.ok, transfers = null } = transfer ?? {};
  return JSON.stringify({ format: 'mirror/dry-run/1', id, exit, commands, transfers }, null, 2);
}

function describeStep(job: Job, step: Step, limit: () => number): string[] {
  const command = ({ argv }: Pick<Exec, 'argv'>): string => words([...job.prefix, ...argv]);
  switch (step.kind) {
    case 'require-directory':
      return [`require ${step.path}`];
    case 'install-marker':
      return [`install ${step.marker}`];
    case 'exec':
      return [
        (step.only_with === undefined ? '' : `with ${step.only_with}: `) +
          words(commandLine(job, step, step.delete_limit ? limit() : null)),
        ...(step.told_deletions ? [`delete what it tells of, at most ${String(limit())}`] : []),
      ];
    case 'make-directory':
      return [`${step.empty ? 'empty' : 'make'} ${step.path}`];
    case 'forget-if-changed':
      return [`remove ${step.files.join(', ')} if this package is to mirror something else than before`];
    case 'write-file':
      return [`write ${step.path}`];
    case 'count-deletions':
      return [`only if this tells of at most ${String(limit())} deletions: ${command(step)}`];
    case 'prepare-repository':
      return [
        `make ${step.directory} if need be${step.deletes ? ', only if upstream lacks no more of its refs than the guard allows' : ''}: ${command(step)}`,
      ];
    case 'delete-refs':
      return [`delete the refs of ${step.directory} that upstream lacks, no more than the guard allows`];
    case 'each-repository':
      return step.repositories.flatMap(({ name, steps }) => [
        `for ${name}, whatever became of those before:`,
        ...steps.flatMap((inner) => describeStep(job, inner, limit)).map((line) => `  ${line}`),
      ]);
    case 'prove-refs':
      return [`only if ${step.directory} has each ref as upstream has it`];
    case 'count-closed':
      return [`count what other users cannot read: ${command(step)}`];
    case 'find-replaced':
      return [`look for directories of ${step.held} that dst has as links or files`];
    case 'publish-held':
      return [`move what is in ${step.from} to its place`];
    case 'count-images':
      return ['count the images that are left out'];
    case 'jigdo-images':
      return [`for each set of images: ${command(step)} ${step.work}/<set>.conf`];
    case 'repeat-if-changed':
      return [`again (${String(step.rounds)} times at most) unless this prints nothing: ${command(step)}`];
    case 'list-changes':
      return [
        `unless the lists are the same: ${command(step)}`,
        `compare them: at most ${String(limit())} deletions; without a list that makes sense, make ${step.full}`,
      ];
    case 'prove-apt':
      return [
        `only if dst has all that the index names, and at most ${String(limit())} files more`,
        ...(step.signed ? [`  and each Release file is signed: ${words([...step.argv, '...'])}`] : []),
      ];
    case 'prove-apt-archive':
      return [`only if the index in ${step.held ?? job.dst} is whole, and dst has all that it names`];
    case 'prove-rpm':
      return [
        `only if dst has all that this lists, and at most ${String(limit())} files more: ${command(step)}`,
        ...(step.verify ? [`  and those that are new pass: ${words([...step.verify.argv, '...'])}`] : []),
      ];
    case 'fetch-signed-index':
      return [
        `fetch ${step.index} and its signature: ${command(step)}`,
        ...(step.verify
          ? [`  and only if this says that it is signed: ${words([...step.verify.argv, '...'])}`]
          : []),
      ];
    case 'prove-simple':
      return [`only if all files that the pages in ${step.web}/simple name are there`];
    case 'verify-listed':
      return [`verify the digests in ${step.list}`];
    case 'delete-listed':
      return [`delete what ${step.list} names, ${String(limit())} at most`];
    case 'install-lists':
      return [`install the lists from ${step.fetched}`];
    case 'check-freshness':
      return [`read upstream's time from ${step.path}`];
    case 'probe':
      return [
        `unless this prints nothing: ${command(step)}`,
        ...step.always.map((exec) => `  else only: ${command(exec)}`),
      ];
  }
}

function words(argv: readonly string[]): string {
  return argv.map(shown).join(' ');
}
