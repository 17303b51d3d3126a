import type { ProveAptStep } from '../job/proof-step.js';
import type { ExecStep, Step, WriteFileStep } from '../job/step.js';
import type { Package } from '../model/site.js';
import { RELEASE_LAST, UNCOUNTED_INDEX } from './apt-publish.js';
import { mistake } from './findings.js';
import { accepted, cacheDirectory, privateFile, workDirectory } from './method.js';
import type { MethodContext, Options, PackageFinding, SyncMethod } from './method.js';
import { nestedBelow } from './nested.js';
import { hearsPassword } from './password.js';
import { upstreamHosts, wgetSettings } from './redirects.js';
import { checksSignature, keyringFindings, keyrings } from './signature.js';
import {
  caFileFindings,
  proxyFindings,
  upstream,
  webSource,
  webSourceFindings,
  webUrl,
} from './web-source.js';
import type { WebSource } from './web-source.js';

/**
 * A partial mirror of an apt repository by apt-mirror(1), which looks at no signature, ends with 0 whatever is missing and
 * publishes its index all the same. So it works in a tree of the run, where the directories with packages are links to
 * those of dst; its index is checked there, and goes into dst when all that it names is there.
 */
export const aptMirror: SyncMethod = {
  name: 'apt-mirror',
  tools: (pkg) => [
    { command: 'apt-mirror', debian: 'apt-mirror' },
    ...(checksSignature(pkg) ? [{ command: 'gpgv', debian: 'gpgv' }] : []),
  ],
  check: (pkg) => [
    ...webSourceFindings(pkg, ['http', 'https', 'ftp']),
    ...escapeFindings(pkg),
    ...proxyFindings(pkg),
    ...caFileFindings(pkg),
    ...keyringFindings(pkg),
  ],
  checkNested: (pkg) => nestedBelow(pkg, ['dists', ...(pkg.options as Options<'apt-mirror'>).directories]),
  steps: (pkg, context) => {
    const { delete: deletes } = pkg.options as Options<'apt-mirror'>;
    const deletions = context.fallback || !deletes ? null : `${context.work}/deletions`;
    return [
      { kind: 'require-directory', path: pkg.dst },
      workDirectory(context),
      cacheDirectory(context),
      mirrorList(pkg, context),
      wgetrc(pkg, context),
      ...prepareTree(pkg, context),
      {
        ...exec(context, ['apt-mirror', `${context.work}/mirror.list`]),
        ...accepted(pkg),
      },
      check(pkg, context, deletions),
      {
        kind: 'publish-held',
        from: tree(context),
        last: RELEASE_LAST,
      },
      ...(deletions === null
        ? []
        : [{ kind: 'delete-listed' as const, list: deletions, uncounted: UNCOUNTED_INDEX }]),
    ];
  },
};

function mirrorList(pkg: Package, context: MethodContext): WriteFileStep {
  const options = pkg.options as Options<'apt-mirror'>;
  const { work } = context;
  const settings = {
    base_path: work,
    mirror_path: `${work}/mirror`,
    skel_path: skeleton(context),
    var_path: `${work}/var`,
    defaultarch: 'amd64',
    nthreads: String(options.threads),
    limit_rate: options.bwlimit ?? '1000g',
    _contents: options.contents ? '1' : '0',
    _autoclean: '0',
    run_postmirror: '0',
  };
  const url = webUrl(repository(context));
  // Clients ask for the index of `all` beside that of their own architecture, where there is one.
  const all = options.arches.length > 0 && !options.arches.includes('all') ? ['all'] : [];
  const kinds = [...arches(options), ...all].map((arch) => (arch === 'source' ? 'deb-src' : `deb-${arch}`));
  return privateFile(`${work}/mirror.list`, [
    ...Object.entries(settings).map(([key, value]) => `set ${key} "${value}"\n`),
    ...options.dists.flatMap((dist) =>
      kinds.map((kind) => `${kind} ${url} ${dist} ${options.sections.join(' ')}\n`),
    ),
  ]);
}

/** apt-mirror leaves the network to wget, whose settings its environment names. */
function wgetrc(pkg: Package, context: MethodContext): WriteFileStep {
  const options = pkg.options as Options<'apt-mirror'>;
  const { family, bind, proxy, caFile } = pkg.network;
  const user = options.user || repository(context).user;
  const settings = {
    timeout: String(options.timeout),
    verbose: 'off',
    // A file that was cut off is newer than upstream's: only its size tells.
    if_modified_since: 'off',
    robots: 'off',
    hsts: 'off',
    netrc: 'off',
    // apt-mirror calls `wget -r`: what a page links to is not fetched. With ftp, this would refuse the named files, too.
    ...(context.source.url.startsWith('ftp:') ? {} : { reject_regex: '.' }),
    ...(family === 'any' ? {} : { [family === 'ipv4' ? 'inet4_only' : 'inet6_only']: 'on' }),
    ...(bind === null ? {} : { bind_address: bind }),
    ...wgetSettings(pkg, {
      url: context.source.url,
      hosts: upstreamHosts(pkg, context.source),
      proxy,
    }),
    ...(caFile === null ? {} : { ca_certificate: caFile }),
    ...(user === '' ? {} : { user, auth_no_challenge: 'on' }),
  };
  return privateFile(`${context.work}/wgetrc`, [
    ...Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`),
    ...(hearsPassword(pkg, context.source)
      ? ['password = ', { secret: 'password', quote: 'raw' as const }, '\n']
      : []),
  ]);
}

/**
 * wget names directories by host and port, apt-mirror looks for them by host alone. The Release files of the last run go:
 * apt-mirror would take them for those of an upstream that does not answer.
 */
function prepareTree(pkg: Package, context: MethodContext): Step[] {
  const options = pkg.options as Options<'apt-mirror'>;
  const { host } = repository(context);
  const releases = options.dists.flatMap((dist) =>
    ['InRelease', 'Release', 'Release.gpg'].map((name) => `${skeletonTree(context)}/dists/${dist}/${name}`),
  );
  const places = options.directories.map((name) => `${pkg.dst}/${name}`);
  const bare = host.replace(/:\d+$/, '');
  const named =
    bare === host
      ? []
      : [`${context.work}/mirror/${bare}`, `${skeleton(context)}/${bare}`].map((link) =>
          exec(context, ['ln', '-sfn', host, link]),
        );
  return [
    exec(context, ['mkdir', '-p', tree(context), `${skeleton(context)}/${host}`, ...places]),
    ...named,
    exec(context, ['rm', '-f', ...releases]),
    exec(context, ['ln', '-sfn', `--target-directory=${tree(context)}`, ...places]),
  ];
}

function check(pkg: Package, context: MethodContext, deletions: string | null): ProveAptStep {
  const options = pkg.options as Options<'apt-mirror'>;
  const { tool, env } = exec(context, []);
  return {
    kind: 'prove-apt',
    tool,
    argv: ['gpgv', '--status-fd=1', ...keyrings(pkg).map((path) => `--keyring=${path}`)],
    ...(env ? { env } : {}),
    distributions: options.dists.map((name) => ({
      name,
      components: options.sections,
      arches: arches(options),
    })),
    by_codename: false,
    left_out: { contents: !options.contents, translations: false, names: false },
    held: tree(context),
    signed: checksSignature(pkg),
    texts: context.work,
    directories: options.directories,
    told: null,
    refetch: {
      by: 'file',
      argv: ['wget', '--no-verbose', '--output-document'],
      url: webUrl(repository(context)),
      skeleton: skeletonTree(context),
    },
    logs: `${context.work}/var`,
    uncounted: UNCOUNTED_INDEX,
    forget: skeleton(context),
    deletions,
  };
}

function exec({ work }: MethodContext, argv: readonly string[]): ExecStep {
  const env = { HOME: work, TMPDIR: work, WGETRC: `${work}/wgetrc` };
  return { kind: 'exec', tool: 'apt-mirror', argv, env };
}

function arches({ arches: binary, source }: Options<'apt-mirror'>): string[] {
  return [...binary, ...(source ? ['source'] : [])];
}

/** The same in the skeleton, where wget put it. */
function skeletonTree(context: MethodContext): string {
  const { host, path } = repository(context);
  return [skeleton(context), host, path].filter((part) => part !== '').join('/');
}

/** Where apt-mirror finds and puts the repository, as wget does. */
function tree(context: MethodContext): string {
  const { host, path } = repository(context);
  return `${context.work}/mirror/${host}${path === '' ? '' : `/${path}`}`;
}

/** The index as it was fetched last: what has not changed is not fetched again. */
function skeleton({ cache }: MethodContext): string {
  return `${cache}/skel`;
}

/** wget writes hosts in lower case. */
function repository({ source }: MethodContext): WebSource {
  const parts = upstream(source);
  return { ...parts, host: parts.host.toLowerCase() };
}

function escapeFindings(pkg: Package): PackageFinding[] {
  if (!pkg.sources.some((source) => /[%~]/.test(webSource(source.url)?.path ?? ''))) return [];
  const message = 'apt-mirror and wget write `%` and `~` of a path in different ways';
  const help = 'use a URL without them';
  return [mistake('source-characters', '/settings/src', message, help)];
}
