import type { ProveRpmStep } from '../job/proof-step.js';
import type { FetchSignedIndexStep } from '../job/signed-index-step.js';
import type { ExecStep, Step, WriteFileStep } from '../job/step.js';
import type { Package } from '../model/site.js';
import { mistake, unsupported } from './findings.js';
import { accepted, cacheDirectory, privateFile, workDirectory } from './method.js';
import type { MethodContext, Options, PackageFinding, SyncMethod } from './method.js';
import { nestedBelow } from './nested.js';
import { hearsPassword } from './password.js';
import { curlEnvironment } from './redirects.js';
import { packageRule } from './reposync-names.js';
import { checksSignature } from './signature.js';
import { caFileFindings, proxyFindings, upstream, webSourceFindings } from './web-source.js';

/** The source, and its index that was fetched: what dnf lists from the latter is what the index names. */
type Repository = 'upstream' | 'staged';

const INDEX = 'repomd.xml';
const SIGNATURE = `${INDEX}.asc`;
const KEY = `${INDEX}.key`;

/**
 * A mirror of an rpm repository by `dnf reposync`. Its index goes into a directory of the run, and into dst when all that
 * it names is there; what no index names any more goes last. dnf's own --delete has no limit, and its --gpgcheck deletes
 * what does not pass: both are done here.
 */
export const reposync: SyncMethod = {
  name: 'reposync',
  tools: (pkg) => [
    { command: 'dnf', debian: 'dnf dnf-plugins-core' },
    { command: 'curl', debian: 'curl' },
    ...(checksSignature(pkg) ? [{ command: 'rpmkeys', debian: 'rpm' }] : []),
    ...(checksIndex(pkg) ? [{ command: 'gpgv', debian: 'gpgv' }] : []),
  ],
  check: (pkg) => [
    ...webSourceFindings(pkg, ['http', 'https', 'ftp']),
    ...proxyFindings(pkg),
    ...(pkg.network.bind === null ? [] : [unsupported('bind', 'dnf cannot be told a local address')]),
    ...caFileFindings(pkg),
    ...optionFindings(pkg),
  ],
  checkNested: (pkg) => nestedBelow(pkg, ['repodata']),
  steps: (pkg, context) => {
    const { delete: deletes } = pkg.options as Options<'reposync'>;
    const deletions = context.fallback || !deletes ? null : `${context.work}/deletions`;
    return [
      { kind: 'require-directory', path: pkg.dst },
      workDirectory(context),
      cacheDirectory(context),
      configFile(context),
      upstreamFile(pkg, context),
      stagedFile(context),
      { kind: 'make-directory', path: signed(context), empty: true },
      curlFile(pkg, context),
      signedIndex(pkg, context),
      packageRule(context),
      download(pkg, context),
      ...(checksSignature(pkg) ? [importKeys(pkg, context)] : []),
      check(pkg, context, deletions),
      {
        kind: 'publish-held',
        from: staged(context),
        last: ['^repodata/repomd\\.xml\\.', '^repodata/repomd\\.xml$'],
      },
      ...(deletions === null
        ? []
        : [{ kind: 'delete-listed' as const, list: deletions, uncounted: '^repodata/' }]),
    ];
  },
};

/** Everything that dnf keeps is in directories of the package's own; nothing of the host's is read. */
function configFile({ work, cache }: MethodContext): WriteFileStep {
  const settings = {
    reposdir: work,
    cachedir: `${cache}/dnf`,
    logdir: `${work}/log`,
    persistdir: `${work}/persist`,
    varsdir: `${work}/none`,
    pluginconfpath: `${work}/none`,
    metadata_expire: '0',
    skip_if_unavailable: '0',
    // rpmkeys looks at the packages.
    gpgcheck: '0',
  };
  return privateFile(`${work}/dnf.conf`, ['[main]\n', ...lines(settings)]);
}

function upstreamFile(pkg: Package, context: MethodContext): WriteFileStep {
  const { source } = context;
  const { family, proxy, caFile } = pkg.network;
  const options = pkg.options as Options<'reposync'>;
  const { scheme, host, path, user: inUrl } = upstream(source);
  const user = options.user || inUrl;
  return privateFile(`${context.work}/upstream.repo`, [
    ...repository('upstream', `${scheme}://${host}/${path}`),
    ...lines({
      timeout: String(options.timeout),
      retries: String(options.retries),
      max_parallel_downloads: String(options.parallel),
      ...(options.bwlimit === undefined ? {} : { throttle: options.bwlimit }),
      ...(family === 'any' ? {} : { ip_resolve: family === 'ipv4' ? '4' : '6' }),
      ...(proxy === null ? {} : { proxy }),
      ...(caFile === null ? {} : { sslcacert: caFile }),
      // gpgv looks at the index; dnf would do it by a gpg-agent that it leaves running.
      repo_gpgcheck: '0',
      ...(user === '' ? {} : { username: user }),
    }),
    ...(hearsPassword(pkg, source) ? ['password=', { secret: 'password', quote: 'raw' as const }, '\n'] : []),
  ]);
}

/** What dnf does not fetch: the signature of the index, and the key, for clients that check it. */
function curlFile(pkg: Package, context: MethodContext): WriteFileStep {
  const { source } = context;
  const { family, proxy, caFile } = pkg.network;
  const options = pkg.options as Options<'reposync'>;
  const { scheme, host, path, user: inUrl } = upstream(source);
  const user = options.user || inUrl;
  const login: WriteFileStep['content'] =
    user === ''
      ? []
      : [
          encodeURIComponent(user).replaceAll("'", '%27'),
          ...(hearsPassword(pkg, source) ? [':', { secret: 'password', quote: 'url' as const }] : []),
          '@',
        ];
  const timeout = String(options.timeout);
  const settings = {
    'write-out': '"%{http_code} %{filename_effective}\\n"',
    'max-redirs': '10',
    'connect-timeout': timeout,
    'speed-time': timeout,
    'speed-limit': '1000',
    'max-filesize': String(16 * 2 ** 20),
    ...(proxy === null ? {} : { proxy: `"${proxy}"` }),
    ...(caFile === null ? {} : { cacert: `"${caFile.replace(/["\\]/g, '\\$&')}"` }),
  };
  const flags = ['silent', 'show-error', 'globoff', 'location', 'remote-time'];
  return privateFile(`${context.work}/curl.conf`, [
    ...[...flags, ...(family === 'any' ? [] : [family])].map((flag) => `${flag}\n`),
    ...Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`),
    ...[KEY, SIGNATURE, INDEX].flatMap((name) => [
      `url = "${scheme}://`,
      ...login,
      `${host}/${path === '' ? '' : `${path}/`}repodata/${name}"\noutput = "${signed(context)}/${name}"\n`,
    ]),
  ]);
}

function signedIndex(pkg: Package, context: MethodContext): FetchSignedIndexStep {
  const { keys = [] } = pkg.options as Options<'reposync'>;
  const keyring = `${context.work}/keys.gpg`;
  return {
    kind: 'fetch-signed-index',
    tool: 'reposync',
    argv: ['curl', '--disable', '--config', `${context.work}/curl.conf`],
    env: { ...environment(context), ...curlEnvironment(pkg, context.source) },
    directory: signed(context),
    index: INDEX,
    signature: SIGNATURE,
    key: KEY,
    verify: checksIndex(pkg) ? { argv: ['gpgv', '--keyring', keyring], keys, keyring } : null,
  };
}

function checksIndex(pkg: Package): boolean {
  return (pkg.options as Options<'reposync'>).check_metadata_gpg;
}

function stagedFile(context: MethodContext): WriteFileStep {
  return privateFile(`${context.work}/staged.repo`, repository('staged', `file://${staged(context)}`));
}

function download(pkg: Package, context: MethodContext): ExecStep {
  const argv = [
    ...dnf(context, 'upstream'),
    `--download-path=${pkg.dst}`,
    `--metadata-path=${context.work}/index`,
    '--download-metadata',
    '--remote-time',
    ...selection(pkg),
  ];
  return {
    kind: 'exec',
    tool: 'reposync',
    argv,
    env: {
      ...environment(context),
      PYTHONPATH: context.work,
      ...curlEnvironment(pkg, context.source),
    },
    ...accepted(pkg),
  };
}

function importKeys(pkg: Package, context: MethodContext): Step {
  const { keys = [] } = pkg.options as Options<'reposync'>;
  const argv = ['rpmkeys', `--dbpath=${context.work}/keys`, '--import', ...keys];
  return { kind: 'exec', tool: 'reposync', argv, env: environment(context) };
}

function check(pkg: Package, context: MethodContext, deletions: string | null): ProveRpmStep {
  const level = ['--define', '_pkgverify_level all'];
  return {
    kind: 'prove-rpm',
    tool: 'reposync',
    argv: [...dnf(context, 'staged'), '--urls', ...selection(pkg)],
    env: environment(context),
    strip: `file://${staged(context)}/`,
    suffix: '.rpm',
    verify: checksSignature(pkg)
      ? {
          argv: ['rpmkeys', `--dbpath=${context.work}/keys`, ...level, '--checksig'],
          record: `${context.cache}/verified`,
        }
      : null,
    held: staged(context),
    signed: signed(context),
    deletions,
  };
}

/** Both calls of dnf must choose the same packages. */
function selection(pkg: Package): string[] {
  const { arches, newest_only } = pkg.options as Options<'reposync'>;
  return [...(newest_only ? ['--newest-only'] : []), ...arches.map((arch) => `--arch=${arch}`)];
}

function dnf({ work }: MethodContext, repository: Repository): string[] {
  return [
    'dnf',
    `--config=${work}/dnf.conf`,
    // What a host's other plugins do is none of ours.
    '--disableplugin=*',
    '--enableplugin=reposync',
    '--releasever=0',
    '--assumeyes',
    'reposync',
    `--repoid=${repository}`,
    '--norepopath',
  ];
}

function environment({ work }: MethodContext): Record<string, string> {
  return { HOME: work, TMPDIR: work };
}

function signed({ work }: MethodContext): string {
  return `${work}/signed`;
}

function staged({ work }: MethodContext): string {
  return `${work}/index/upstream`;
}

function repository(id: Repository, url: string): string[] {
  return [`[${id}]\n`, ...lines({ name: id, baseurl: url, enabled: '1' })];
}

function lines(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
}

function optionFindings(pkg: Package): PackageFinding[] {
  const options = pkg.options as Options<'reposync'>;
  const findings: PackageFinding[] = [];
  if ((checksSignature(pkg) || options.check_metadata_gpg) && (options.keys ?? []).length === 0) {
    const message = 'signatures are to be checked, but there is no key to check them with';
    const help = "name files with the repository's public keys in `keys`, or set `check_gpg` to false";
    findings.push({ ...mistake('no-keys', '/settings/options', message, help), target: 'key' });
  }
  if (options.newest_only || options.arches.length > 0) {
    const key = options.newest_only ? 'newest_only' : 'arches';
    findings.push({
      code: 'partial-index',
      severity: 'warning',
      message: "the index is upstream's own: it names packages too that this mirror will not have",
      help: 'clients that ask for one of them get an error; mirror all of it if they are not yours alone',
      at: `/settings/options/${key}`,
    });
  }
  return findings;
}
