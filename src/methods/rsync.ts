import type { ExecStep, Step } from '../job/step.js';
import type { Package, Source } from '../model/site.js';
import { connection, endpoint, networkFindings } from './rsync-connection.js';
import type { PackageFinding, SyncMethod } from './method.js';

/** Options of `synctype: "rsync"`, as its schema leaves them (defaults filled in). */
interface RsyncOptions {
  readonly user?: string;
  readonly option_include?: string;
  readonly option_exclude?: string;
  readonly exclude?: readonly string[];
  readonly bwlimit?: string;
  readonly base_args?: readonly string[];
  readonly extra_args?: readonly string[];
  readonly safe_links?: boolean;
  readonly timeout?: number;
  readonly contimeout?: number;
}

/** mirror.py's letters: verbose, recursive, links, times, devices, sparse, hard links. */
const BASE_LETTERS = 'vrltDSH';

/** Seconds for a probe: one small file; mirror.py's numbers. */
const PROBE = { contimeout: 10, timeout: 60 };

/** What makes a pass tell what it would do; `run/tools/dry-lines` reads it. */
const DRY_RUN = ['--dry-run', '--out-format=%i %l %n'];

/** rsync from a daemon, over ssh, or from a path of this host. */
export const rsync: SyncMethod = {
  name: 'rsync',
  tools: (pkg) => [
    { command: 'rsync', debian: 'rsync' },
    ...(pkg.sources.some((source) => endpoint(source.url) === 'ssh')
      ? [{ command: 'ssh', debian: 'openssh-client' }]
      : []),
  ],
  check: (pkg) => [
    ...sourceFindings(pkg),
    ...markerFindings(pkg),
    ...dryRunFindings(pkg),
    ...networkFindings(pkg),
  ],
  steps: (pkg, { source, fallback }) => {
    const require: Step = { kind: 'require-directory', path: pkg.dst };
    // A fallback may lag behind: it neither deletes nor moves the marker, so the first source is asked in full again.
    if (fallback) return [require, mainPass(pkg, source, false)];
    if (!pkg.precheck) return [require, mainPass(pkg, source, true)];
    return [
      require,
      probe(pkg, source, pkg.precheck),
      mainPass(pkg, source, true),
      { kind: 'install-marker', marker: pkg.precheck.file },
    ];
  },
};

function mainPass(pkg: Package, source: Source, deletions: boolean): ExecStep {
  const options: RsyncOptions = pkg.options;
  const { flags, env, secret } = connection(pkg, source, options);
  const argv = [
    'rsync',
    ...(options.base_args ?? baseArgs(options)),
    // The risk filter comes first: without it the exclude protects stale temporary directories for ever.
    '--filter=R .~tmp~/',
    '--exclude=*.~tmp~',
    // The marker is installed after the pass, so that it never claims more than dst holds.
    ...(pkg.precheck ? [`--exclude=/${pkg.precheck.file}`] : []),
    ...(options.exclude ?? []).map((pattern) => `--exclude=${pattern}`),
    ...(deletions ? ['--delete-delay'] : []),
    '--stats',
    '--no-human-readable',
    ...flags,
    ...(options.bwlimit === undefined ? [] : [`--bwlimit=${options.bwlimit}`]),
    ...(options.extra_args ?? []),
  ];
  return {
    kind: 'exec',
    tool: 'rsync',
    argv: [...argv, withSlash(secret.url), withSlash(pkg.dst)],
    ...env,
    ...secret.stdin,
    ...(Object.keys(pkg.acceptExit).length > 0 ? { accept: pkg.acceptExit } : {}),
    ...(deletions ? { delete_limit: { flag: '--max-delete=', at: argv.length } } : {}),
    dry_run: { at: argv.length, remove: 0, words: DRY_RUN },
  };
}

function baseArgs(options: RsyncOptions): string[] {
  const without = BASE_LETTERS.split('').filter((letter) => !(options.option_exclude ?? '').includes(letter));
  const added = (options.option_include ?? '').split('').filter((letter) => !without.includes(letter));
  return [
    `-${[...without, ...added].join('')}`,
    '--partial',
    '--delay-updates',
    ...(options.safe_links === false ? [] : ['--safe-links']),
  ];
}

/**
 * Fetches the marker into the (empty) working directory unless dst holds the same one: rsync prints its name only when
 * it transfers it, so no output means unchanged.
 */
function probe(pkg: Package, source: Source, precheck: NonNullable<Package['precheck']>): Step {
  const { flags, env, secret } = connection(pkg, source, { ...(pkg.options as RsyncOptions), ...PROBE });
  const file = (name: string): string => withSlash(secret.url) + name;
  const directory = precheck.file.includes('/')
    ? precheck.file.slice(0, precheck.file.lastIndexOf('/') + 1)
    : '';
  return {
    kind: 'probe',
    tool: 'rsync',
    argv: [
      'rsync',
      '--no-motd',
      '--times',
      '--out-format=%n',
      `--compare-dest=${withSlash(pkg.dst)}${directory}`,
      ...flags,
      file(precheck.file),
      './',
    ],
    ...env,
    ...secret.stdin,
    marker: precheck.file,
    timeout: PROBE.timeout,
    full_every: precheck.fullEvery,
    always: precheck.always.map((name) => ({
      kind: 'exec',
      tool: 'rsync',
      argv: ['rsync', '--no-motd', '--times', ...flags, file(name), withSlash(pkg.dst) + name],
      ...env,
      ...secret.stdin,
    })),
  };
}

function sourceFindings(pkg: Package): PackageFinding[] {
  if (pkg.sources.length === 0) {
    const help = 'give `rsync://host/module`, `host::module`, `user@host:/path` (ssh) or an absolute path';
    return [
      { code: 'no-source', severity: 'error', message: '`rsync` needs a `src`', help, at: '/settings/src' },
    ];
  }
  return pkg.sources.flatMap((source, index) => {
    if (endpoint(source.url) !== null) return [];
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source.url)?.[1];
    return [
      {
        code: 'source-scheme',
        severity: 'error' as const,
        message:
          scheme === undefined
            ? `rsync cannot read from \`${source.publicUrl}\``
            : `rsync does not speak \`${scheme}\``,
        help: 'give `rsync://host/module`, `host::module`, `user@host:/path` (ssh) or an absolute path',
        at: pkg.sources.length > 1 ? `/settings/src/${index}` : '/settings/src',
      },
    ];
  });
}

/** Markers become anchored exclude patterns and file names in dst: plain relative paths only. */
function markerFindings(pkg: Package): PackageFinding[] {
  if (!pkg.precheck) return [];
  const names: (readonly [string, string])[] = [
    [pkg.precheck.file, '/precheck/file'],
    ...pkg.precheck.always.map((name, i) => [name, `/precheck/always/${i}`] as const),
  ];
  return names
    .filter(([name]) => !/^[\w.+@:,=-]+(\/[\w.+@:,=-]+)*$/.test(name) || name.split('/').includes('..'))
    .map(([name, at]) => ({
      code: 'marker-path',
      severity: 'error' as const,
      message: `\`${name}\` is not a plain path below the mirror's root`,
      help: 'name a file such as `lastupdate` or `project/trace/master`',
      at,
    }));
}

/** A pass that copies nothing ends with exit 0: it would be shown as a success. */
function dryRunFindings(pkg: Package): PackageFinding[] {
  const { base_args = [], extra_args = [], option_include = '' }: RsyncOptions = pkg.options;
  const given = { base_args, extra_args, option_include: option_include.split('').map((c) => `-${c}`) };
  return Object.entries(given).flatMap(([key, words]) => {
    const word = words.find((arg) => /^(-[acdg-zACDE-LN-SU-Z]*n|--dry-run|--list-only)$/.test(arg));
    if (word === undefined) return [];
    const message = `\`${word}\` makes rsync copy nothing, and every run a success all the same`;
    const help = 'take it out; `mirror run ID --dry-run` shows what would be run';
    return [{ code: 'dry-run', severity: 'error', message, help, at: `/settings/options/${key}` }];
  });
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}
