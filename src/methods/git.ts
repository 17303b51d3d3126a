import type { ExecStep, Step } from '../job/step.js';
import type { Package } from '../model/site.js';
import { mistake } from './findings.js';
import { credentialsFile, protocol, remote, remoteFindings, repositoryUrl } from './git-remote.js';
import type { Remote } from './git-remote.js';
import { accepted, privateFile, workDirectory } from './method.js';
import type { MethodContext, Options, PackageFinding, SyncMethod } from './method.js';
import { nestedBelow } from './nested.js';

/** The name that a source has for the length of one command; no repository's own configuration decides anything. */
const UPSTREAM = 'upstream';

/**
 * Bare mirrors of git repositories: dst itself is that of `src`, or holds those that `repositories` names below `src`.
 * A fetch makes all its new branches and tags visible at once, so that an interrupted first one leaves none. git deletes
 * nothing by itself: the executor deletes what upstream's answer lacks, when all that it names is there.
 */
export const git: SyncMethod = {
  name: 'git',
  tools: (pkg) => [
    { command: 'git', debian: 'git' },
    ...(pkg.sources.some(({ url }) => protocol(url) === 'ssh')
      ? [{ command: 'ssh', debian: 'openssh-client' }]
      : []),
  ],
  check: (pkg) => [...remoteFindings(pkg), ...repositoryFindings(pkg)],
  checkNested: (pkg) => nestedBelow(pkg, (pkg.options as Options<'git'>).repositories ?? ['']),
  steps: (pkg, context) => {
    const { repositories, timeout } = pkg.options as Options<'git'>;
    const how = remote(pkg, context, timeout);
    const named = repositories?.map((name, index) => ({
      name,
      steps: mirrorSteps(pkg, context, how, { name, answer: `${context.work}/refs-${String(index + 1)}` }),
    }));
    return [
      { kind: 'require-directory', path: pkg.dst },
      workDirectory(context),
      ...(how.credentials === null ? [] : [privateFile(credentialsFile(context), how.credentials)]),
      ...(named === undefined
        ? mirrorSteps(pkg, context, how, { name: null, answer: `${context.work}/refs` })
        : [{ kind: 'each-repository' as const, repositories: named }]),
    ];
  },
};

/** A repository below `src`, or `src` itself, and the file of the run that says which refs upstream has. */
interface Repository {
  readonly name: string | null;
  readonly answer: string;
}

function mirrorSteps(
  pkg: Package,
  context: MethodContext,
  how: Remote,
  { name, answer }: Repository,
): Step[] {
  const { refs, gc, fsck, server_info, timeout } = pkg.options as Options<'git'>;
  const directory = name === null ? pkg.dst : `${pkg.dst}/${name}`;
  const url = repositoryUrl(pkg, context.source, name);
  const words = (...args: readonly string[]): string[] => [
    'git',
    `--git-dir=${directory}`,
    '-c',
    'core.hooksPath=/dev/null',
    ...args,
  ];
  const connection = [`remote.${UPSTREAM}.url=${url}`, ...how.settings].flatMap((word) => ['-c', word]);
  const fetchSettings = [
    // Packs, as they come: what readers fetch, and what says how many bytes came.
    'fetch.unpackLimit=1',
    ...(gc === 'off' ? ['gc.auto=0'] : ['gc.autoDetach=false']),
  ].flatMap((word) => ['-c', word]);
  const fetchWords = (...what: readonly string[]): string[] => [
    ...words(...fetchSettings, ...connection, 'fetch', '--atomic', '--no-tags', '--no-write-fetch-head'),
    '--progress',
    UPSTREAM,
    ...what,
  ];
  const fetchAll = fetchWords(...refs.map((ref) => `+${ref}:${ref}`));
  // There may be no repository yet.
  const ask = ['git', ...connection, 'ls-remote', '--symref', UPSTREAM];
  const common = {
    tool: 'git' as const,
    argv: ask,
    env: how.env,
    cwd: context.work,
    directory,
    refs,
    list: words('for-each-ref', '--format=%(objectname)%09%(refname)'),
    update: words('update-ref', '--stdin'),
    answer,
  };
  const exec = (argv: readonly string[]): ExecStep => ({ kind: 'exec', tool: 'git', argv, env: how.env });
  const stall = protocol(url) === 'file' ? {} : { stall: timeout };
  return [
    {
      kind: 'prepare-repository',
      ...common,
      init: ['git', 'init', '--quiet', '--bare', '--template='],
      deletes: !context.fallback,
    },
    { ...exec(fetchAll), ...stall, ...accepted(pkg), only_with: `${answer}.changed` },
    {
      kind: 'prove-refs',
      ...common,
      fetch: fetchAll,
      fetch_head: fetchWords('HEAD'),
      set_head: words('symbolic-ref', 'HEAD'),
      detach_head: words('update-ref', '--no-deref', 'HEAD'),
      attributes: words('grep', '-l', '-e', 'filter=lfs', 'HEAD', '--', ':(glob)**/.gitattributes'),
    },
    ...(fsck === 'off' ? [] : [exec(words(...fsckWords(fsck)))]),
    ...(context.fallback ? [] : [{ kind: 'delete-refs' as const, ...common }]),
    ...(server_info ? [exec(words('update-server-info'))] : []),
  ];
}

function fsckWords(fsck: 'connectivity' | 'full'): string[] {
  return ['fsck', '--no-progress', '--no-dangling', fsck === 'full' ? '--full' : '--connectivity-only'];
}

/** A repository inside another one would be taken for part of it. */
function repositoryFindings(pkg: Package): PackageFinding[] {
  const { repositories = [] } = pkg.options as Options<'git'>;
  return repositories.flatMap((name, index) => {
    const outer = repositories.find((other) => name.startsWith(`${other}/`));
    if (outer === undefined) return [];
    const message = `\`${name}\` would lie inside the repository \`${outer}\``;
    const help = 'mirror one of them in another package, with a dst of its own';
    return mistake('nested-repository', `/settings/options/repositories/${String(index)}`, message, help);
  });
}
