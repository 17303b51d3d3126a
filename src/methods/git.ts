import type { ExecStep, Step } from '../job/step.js';
import type { Package } from '../model/site.js';
import { mistake } from './findings.js';
import { credentialsFile, remote, remoteFindings, repositoryUrl } from './git-remote.js';
import type { Remote } from './git-remote.js';
import { accepted, privateFile, workDirectory } from './method.js';
import type { MethodContext, Options, PackageFinding, SyncMethod } from './method.js';
import { nestedBelow } from './nested.js';

/** The name that a source has for the length of one command; no repository's own configuration decides anything. */
const UPSTREAM = 'upstream';

/**
 * Bare mirrors of git repositories: dst itself is that of `src`, or holds those that `repositories` names below `src`.
 * A fetch makes all its new branches and tags visible at once, so that an interrupted first one leaves none.
 */
export const git: SyncMethod = {
  name: 'git',
  tools: (pkg) => [
    { command: 'git', debian: 'git' },
    ...(pkg.sources.some(({ url }) => /^ssh:|^[^/]*@[^/]*:/i.test(url))
      ? [{ command: 'ssh', debian: 'openssh-client' }]
      : []),
  ],
  check: (pkg) => [...remoteFindings(pkg), ...repositoryFindings(pkg)],
  checkNested: (pkg) => nestedBelow(pkg, (pkg.options as Options<'git'>).repositories ?? ['']),
  steps: (pkg, context) => {
    const { repositories, timeout } = pkg.options as Options<'git'>;
    const how = remote(pkg, context, timeout);
    return [
      { kind: 'require-directory', path: pkg.dst },
      workDirectory(context),
      ...(how.credentials === null ? [] : [privateFile(credentialsFile(context), how.credentials)]),
      ...(repositories ?? [null]).flatMap((name) => mirrorSteps(pkg, context, how, name)),
    ];
  },
};

function mirrorSteps(pkg: Package, context: MethodContext, how: Remote, name: string | null): Step[] {
  const { refs, gc, fsck, server_info } = pkg.options as Options<'git'>;
  const directory = name === null ? pkg.dst : `${pkg.dst}/${name}`;
  const settings = [
    // Packs, as they come: what readers fetch, and what says how many bytes came.
    'fetch.unpackLimit=1',
    ...(gc === 'off' ? ['gc.auto=0'] : ['gc.autoDetach=false']),
    `remote.${UPSTREAM}.url=${repositoryUrl(pkg, context.source, name)}`,
    ...refs.map((ref) => `remote.${UPSTREAM}.fetch=+${ref}:${ref}`),
    ...how.settings,
  ].flatMap((setting) => ['-c', setting]);
  const words = (...args: readonly string[]): string[] => [
    'git',
    `--git-dir=${directory}`,
    '-c',
    'core.hooksPath=/dev/null',
    ...args,
  ];
  const there = (...args: readonly string[]): string[] => words(...settings, ...args);
  const exec = (argv: readonly string[]): ExecStep => ({ kind: 'exec', tool: 'git', argv, env: how.env });
  return [
    exec(['git', 'init', '--quiet', '--bare', '--template=', directory]),
    ...(context.fallback ? [] : prune(there, words, how)),
    {
      ...exec(there('fetch', '--atomic', '--no-tags', '--no-write-fetch-head', '--progress', UPSTREAM)),
      ...accepted(pkg),
    },
    {
      kind: 'follow-head',
      tool: 'git',
      argv: there('ls-remote', '--symref', UPSTREAM, 'HEAD'),
      set: words('symbolic-ref', 'HEAD'),
      env: how.env,
    },
    ...(server_info ? [exec(words('update-server-info'))] : []),
    ...(fsck === 'off'
      ? []
      : [
          exec(
            words(
              'fsck',
              '--no-progress',
              '--no-dangling',
              ...(fsck === 'connectivity' ? ['--connectivity-only'] : ['--full']),
            ),
          ),
        ]),
  ];
}

/**
 * What upstream no longer has, counted and then deleted; a fetch could not make a branch `a/b` where `a` is still there.
 */
function prune(
  there: (...args: readonly string[]) => string[],
  words: (...args: readonly string[]) => string[],
  how: Remote,
): Step[] {
  return [
    {
      kind: 'count-deletions',
      tool: 'git',
      argv: there('remote', 'prune', '--dry-run', UPSTREAM),
      pattern: '^ \\* \\[would prune\\] ',
      existing: words('for-each-ref', '--format=%(refname)'),
      env: how.env,
    },
    { kind: 'exec', tool: 'git', argv: there('remote', 'prune', UPSTREAM), env: how.env },
  ];
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
