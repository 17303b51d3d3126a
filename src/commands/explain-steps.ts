import { HIDDEN, isSecretKey } from '../config/secret-text.js';
import type { Job } from '../job/job.js';
import type { AptLeftOut } from '../job/proof-step.js';
import type { ExecStep, FilePart, Step } from '../job/step.js';
import { formatDuration } from '../model/duration.js';
import { shellText } from '../plan/commands.js';

/** A step for people; `argv` is exact but for `<limit>`, which is known when it runs. */
export interface StepWords {
  readonly text: string;
  readonly argv?: readonly string[];
  /** The same as a shell would take it. */
  readonly command?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The text of a file that is written, with placeholders for secrets and what only a run knows. */
  readonly file?: string;
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
    case 'make-directory':
      return { text: `make ${step.path}${step.empty ? ', empty, and remove it after the run' : ''}` };
    case 'forget-if-changed':
      return {
        text: `look at everything again (without ${step.files.join(', ')}) if this is not the same as at the last run`,
        file: step.text,
      };
    case 'write-file':
      return { text: `write ${step.path} (mode ${step.mode})`, file: step.content.map(partText).join('') };
    case 'count-deletions':
      return {
        text: `end here as blocked if this tells of more deletions than <limit> (${limitText(job)})`,
        ...commandWords(step, job),
      };
    case 'prepare-repository':
      return {
        text:
          `ask upstream for its refs, make ${step.directory} if it is not there, and remove locks that a dead git left` +
          (step.deletes
            ? `; end here as blocked if upstream lacks more refs than <limit> (${limitText(job)})`
            : ''),
        ...commandWords(step, job),
      };
    case 'delete-refs':
      return {
        text: `delete the refs that upstream no longer has (no more than <limit>): ${refsText(step)}`,
      };
    case 'each-repository':
      return {
        text: `do this for each of ${String(step.repositories.length)} repositories, also after one has failed: ${step.repositories.map(({ name }) => name).join(', ')}`,
      };
    case 'prove-refs':
      return {
        text: `go on only if ${step.directory} has each ref as upstream has it (${refsText(step)}), and let HEAD be what upstream's is; ask upstream again only if they differ`,
        ...commandWords(step, job),
      };
    case 'count-closed':
      return {
        text: 'count what other users, such as a web server, cannot read; the run tells of it',
        ...commandWords(step, job),
      };
    case 'find-replaced':
      return {
        text: `look for directories of ${step.held} that ${job.dst} has as links or files: rules for them go to ${step.whole} and ${step.skip}`,
      };
    case 'publish-held':
      return {
        text: `move what is in ${step.from} to its place${step.last.length > 0 ? `, at last what matches ${step.last.join(' or ')}` : ''}`,
      };
    case 'count-images':
      return { text: `count the images that SHA256SUMS and SHA512SUMS in ${job.dst} name and it lacks` };
    case 'jigdo-images':
      return {
        text: `make the images that are missing or outdated, from ${step.debian_mirror}: run this for each set that is listed in project/build, with a configuration as its last word`,
        ...commandWords(step, job),
      };
    case 'repeat-if-changed':
      return {
        text: `do the ${String(step.back)} steps before again, ${String(step.rounds)} times in all at most, if this tells of changes meanwhile`,
        ...commandWords(step, job),
      };
    case 'list-changes':
      return {
        text:
          `fetch ${step.lists.map(({ file }) => file).join(', ')} and end here if they are the same as in ${job.dst}; ` +
          `else find out what changed (everything is looked at every ${formatDuration(step.full_every)}), and end as blocked ` +
          `if it is more than <limit> deletions (${limitText(job)})`,
        ...commandWords(step, job),
      };
    case 'prove-apt': {
      const guard = step.deletions === null ? '' : ` and no more than <limit> others (${limitText(job)})`;
      const text = `go on only if the index is whole and dst has all files that it names${guard}`;
      const left = `left out on purpose: ${leftOutText(step.left_out)}`;
      return step.signed
        ? { text: `${text}, and each Release file passes this; ${left}`, ...commandWords(step, job) }
        : { text: `${text}; ${left}` };
    }
    case 'prove-apt-archive': {
      const left =
        step.left_out === null
          ? 'what is missing is only said, because the package has filters of its own'
          : `left out on purpose: ${step.left_out.length === 0 ? 'nothing' : step.left_out.join(' ')}`;
      return {
        text: `go on only if every index that has changed is what its Release file says and dst has all files that it names (${left})`,
      };
    }
    case 'prove-rpm': {
      const pass = step.verify ? `, those that are new pass \`${shellText(step.verify.argv)}\`` : '';
      const guard = step.deletions === null ? '' : ` and no more than <limit> others (${limitText(job)})`;
      return {
        text: `go on only if dst has all files that this lists${pass}${guard}`,
        ...commandWords(step, job),
      };
    }
    case 'fetch-signed-index': {
      const checked = step.verify
        ? `, and go on only if they pass \`${shellText([...step.verify.argv, step.signature, step.index])}\` with ${step.verify.keys.join(', ')}`
        : '';
      return {
        text: `fetch ${step.index} with ${step.signature} and ${step.key}, if upstream has them${checked}`,
        ...commandWords(step, job),
      };
    }
    case 'prove-simple':
      return { text: `go on only if all files that the pages in ${step.web}/simple name are there` };
    case 'verify-listed':
      return { text: 'compare files with the digests that the lists give them' };
    case 'delete-listed':
      return { text: 'delete what the lists no longer name (no more than <limit>)' };
    case 'install-lists':
      return { text: `put the lists that were fetched first into ${job.dst}` };
    case 'check-freshness': {
      const age = step.max_age === null ? '' : `; older than ${formatDuration(step.max_age)} is stale`;
      const back = step.refuse ? '; end here if it is older than the one known' : '';
      return { text: `read upstream's time from ${step.path}${age}${back}` };
    }
    case 'install-marker':
      return { text: `put the \`${step.marker}\` that was fetched first into ${job.dst}` };
  }
}

function refsText({ refs }: { readonly refs: readonly string[] }): string {
  return `refs ${refs.join(', ')}`;
}

function leftOutText({ contents, translations, names }: AptLeftOut): string {
  const words = [
    'other distributions, sections and architectures',
    ...(contents ? ['Contents'] : []),
    ...(translations ? ['translations into other languages than English'] : []),
    ...(names ? ['what `include`, `exclude`, `exclude_sections` and `limit_priority` say'] : []),
  ];
  return words.join(', ');
}

function partText(part: FilePart): string {
  if (typeof part === 'string') return part;
  return 'secret' in part ? HIDDEN : `<${part.value}>`;
}

function execText(step: ExecStep, job: Job): string {
  const notes = [
    ...(step.only_with === undefined ? [] : [`only when there is ${step.only_with}`]),
    ...(step.delete_limit ? [limitText(job)] : []),
    ...(step.told_deletions
      ? [`what it tells of as gone is deleted then, up to <limit> of them: ${limitText(job)}`]
      : []),
    ...(step.growth
      ? [`ended when the files that it writes do not grow for ${formatDuration(step.growth)}`]
      : []),
    ...(step.skip
      ? [`files that upstream refuses with ${step.skip.join(' or ')} are left out and counted`]
      : []),
    ...(step.leftovers
      ? [`${step.leftovers.join(' and ')} of a dead run is removed before and after it`]
      : []),
    ...(step.stall ? [`ended when nothing comes for ${formatDuration(step.stall)}`] : []),
    ...(step.stdin_secret === undefined ? [] : ['the password goes to its standard input']),
    ...(step.push_words ? ['with the words of a push at its end'] : []),
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
