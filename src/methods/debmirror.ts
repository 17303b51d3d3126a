import { NEVER_UPSTREAM_EXPRESSION } from '../job/never-upstream.js';
import type { ProveAptStep } from '../job/proof-step.js';
import type { ExecStep } from '../job/step.js';
import type { Package } from '../model/site.js';
import { mistake, sourceAt, unsupported } from './findings.js';
import { debmirrorConf } from './debmirror-conf.js';
import type { DebmirrorPlaces } from './debmirror-conf.js';
import { accepted, privateFile, workDirectory } from './method.js';
import type { MethodContext, Options, PackageFinding, SyncMethod } from './method.js';
import { nestedBelow, nestedExpressions } from './nested.js';
import { hearsPassword } from './password.js';
import { addressWords, isRsyncProxy, passwordFile } from './rsync-connection.js';
import { PLAIN_MODES } from './rsync-pass.js';
import { RELEASE_LAST, UNCOUNTED_INDEX } from './apt-publish.js';
import { checksSignature, keyringFindings, keyrings } from './signature.js';
import { caFileFindings, proxyFindings, upstream, webSource, webSourceFindings } from './web-source.js';

const SCHEMES = ['http', 'https', 'ftp', 'rsync'];

const PORT = /:\d+$/;

/** Its words go unquoted through shells of debmirror's own. */
const PLAIN_PATH = /^[A-Za-z0-9._+@%=,:/-]+$/;

/**
 * A partial mirror of an apt repository by debmirror(1): only the dists, sections and architectures asked for. It is made to
 * leave its new index where readers do not see it, and to delete nothing: the index is proved there, put in place, and then
 * what has no use any more is deleted here.
 */
export const debmirror: SyncMethod = {
  name: 'debmirror',
  tools: (pkg) => [
    { command: 'debmirror', debian: 'debmirror' },
    ...(schemes(pkg).includes('rsync') ? [{ command: 'rsync', debian: 'rsync' }] : []),
  ],
  check: (pkg) => [...webSourceFindings(pkg, SCHEMES), ...networkFindings(pkg), ...pathFindings(pkg)],
  checkNested: (pkg) => nestedBelow(pkg, ['dists', 'pool', '.temp']),
  steps: (pkg, context) => {
    const deletions = cleansUp(pkg, context) ? `${context.work}/deletions` : null;
    return [
      { kind: 'require-directory', path: pkg.dst },
      workDirectory(context),
      { kind: 'make-directory', path: heldIndex(pkg), empty: true },
      privateFile(configPath(context), debmirrorConf(pkg, context.source, places(pkg, context))),
      ...(isRsync(context) ? passwordFile(pkg, context.source, passwordPath(context)) : []),
      exec(pkg, context),
      proof(pkg, context, deletions),
      { kind: 'publish-held', from: heldIndex(pkg), last: RELEASE_LAST },
      ...(deletions === null
        ? []
        : [{ kind: 'delete-listed' as const, list: deletions, uncounted: UNCOUNTED_INDEX }]),
    ];
  },
};

/** A fallback may lag behind: nothing is deleted by its word. */
function cleansUp(pkg: Package, context: MethodContext): boolean {
  return !context.fallback && (pkg.options as Options<'debmirror'>).cleanup === 'after';
}

function heldIndex({ dst }: Package): string {
  return `${dst}/.~tmp~/index`;
}

function places(pkg: Package, { work }: MethodContext): DebmirrorPlaces {
  return { held: heldIndex(pkg), wanted: `${work}/wanted`, gone: `${work}/gone` };
}

function proof(pkg: Package, context: MethodContext, deletions: string | null): ProveAptStep {
  const options = pkg.options as Options<'debmirror'>;
  const { include = [], exclude = [], exclude_sections = [], limit_priority = [] } = options;
  const { tool, argv, env } = exec(pkg, context);
  const { wanted, gone } = places(pkg, context);
  const filters = [include, exclude, exclude_sections, limit_priority];
  return {
    kind: 'prove-apt',
    tool,
    // debmirror has checked the signatures.
    argv: [],
    signed: false,
    ...(env ? { env } : {}),
    distributions: options.dists.map((name) => ({
      name,
      components: options.sections,
      arches: [...options.arches, ...(options.source ? ['source'] : [])],
    })),
    by_codename: true,
    left_out: {
      contents: !options.contents,
      translations: !options.i18n,
      names: filters.some((patterns) => patterns.length > 0),
    },
    held: heldIndex(pkg),
    texts: context.work,
    directories: null,
    told: { wanted, gone },
    refetch: { by: 'tool', argv },
    logs: context.work,
    uncounted: UNCOUNTED_INDEX,
    forget: null,
    deletions,
  };
}

function exec(pkg: Package, context: MethodContext): ExecStep {
  const options = pkg.options as Options<'debmirror'>;
  const { network } = pkg;
  const { scheme, host, path } = upstream(context.source);
  const list = (flag: string, values: readonly string[] = []): string[] =>
    values.length > 0 ? [`--${flag}=${values.join(',')}`] : [];
  const each = (flag: string, values: readonly string[] = []): string[] =>
    values.map((value) => `--${flag}=${value}`);
  const { arches, sections, rsync_extra } = options;
  const rsync = rsyncFlags(pkg, context);
  const argv = [
    'debmirror',
    `--config-file=${configPath(context)}`,
    '--verbose',
    `--method=${scheme}`,
    // With rsync a port is an option of its own.
    `--host=${scheme === 'rsync' ? host.replace(PORT, '') : host}`,
    `--root=${path}`,
    ...list('dist', options.dists),
    ...list('section', sections),
    ...list('arch', arches.length > 0 ? arches : ['none']),
    options.source ? '--source' : '--nosource',
    ...list('rsync-extra', rsync_extra.length > 0 ? rsync_extra : ['none']),
    ...list('di-dist', options.di_dists),
    ...list('di-arch', options.di_arches),
    `--diff=${options.diff}`,
    ...(checksSignature(pkg) ? ['--check-gpg', ...each('keyring', keyrings(pkg))] : ['--no-check-gpg']),
    ...(options.i18n ? ['--i18n'] : []),
    ...(options.contents ? ['--getcontents'] : []),
    ...(options.checksums ? ['--checksums'] : []),
    ...(options.suite_symlinks ? [] : ['--omit-suite-symlinks']),
    ...each('include', options.include),
    ...each('exclude', options.exclude),
    ...each('exclude-deb-section', options.exclude_sections),
    ...each('limit-priority', options.limit_priority),
    ...each('ignore', [...nestedExpressions(pkg), NEVER_UPSTREAM_EXPRESSION, ...(options.ignore ?? [])]),
    `--timeout=${String(options.timeout)}`,
    ...(scheme === 'ftp' ? ['--passive'] : []),
    ...(network.proxy !== null && scheme !== 'rsync' ? [`--proxy=${network.proxy}`] : []),
    ...(rsync === '' ? [] : [`--rsync-options=${rsync}`]),
    '--nocleanup',
    pkg.dst,
  ];
  return {
    kind: 'exec',
    tool: 'debmirror',
    argv,
    env: {
      // No keyring, cache or configuration of whoever runs it.
      HOME: context.work,
      TMPDIR: context.work,
      ...(network.caFile === null ? {} : { PERL_LWP_SSL_CA_FILE: network.caFile }),
      ...(network.proxy !== null && scheme === 'rsync' ? { RSYNC_PROXY: network.proxy } : {}),
    },
    ...accepted(pkg),
    dry_run: {
      at: argv.length - 2,
      remove: 1,
      words: [cleansUp(pkg, context) ? '--postcleanup' : '--nocleanup', '--dry-run'],
    },
  };
}

/** debmirror's own flags for rsync, but no devices or other special files; empty where it starts none. */
function rsyncFlags(pkg: Package, context: MethodContext): string {
  const flags = ['-aIL', '--no-D', PLAIN_MODES, '--partial'];
  if (!isRsync(context)) {
    const { rsync_extra: extra } = pkg.options as Options<'debmirror'>;
    return extra.length > 0 ? flags.join(' ') : '';
  }
  const port = PORT.exec(upstream(context.source).host)?.[0].slice(1);
  return [
    ...flags,
    ...(port === undefined ? [] : [`--port=${port}`]),
    ...(hearsPassword(pkg, context.source) ? [`--password-file='${passwordPath(context)}'`] : []),
    ...addressWords(pkg.network),
  ].join(' ');
}

function isRsync({ source }: MethodContext): boolean {
  return upstream(source).scheme === 'rsync';
}

function passwordPath({ work }: MethodContext): string {
  return `${work}/rsync-password`;
}

function networkFindings(pkg: Package): PackageFinding[] {
  const { family, bind, proxy } = pkg.network;
  const used = schemes(pkg);
  const onlyRsync = used.every((scheme) => scheme === 'rsync');
  const findings: PackageFinding[] = [];
  if (family !== 'any' && !onlyRsync)
    findings.push(unsupported('family', 'debmirror can choose an address family with rsync only'));
  if (bind !== null && !onlyRsync)
    findings.push(unsupported('bind', 'debmirror can bind an address with rsync only'));
  findings.push(...caFileFindings(pkg));
  if (!used.includes('rsync')) findings.push(...proxyFindings(pkg));
  else if (proxy !== null && (!onlyRsync || !isRsyncProxy(proxy)))
    findings.push(unsupported('proxy', 'with rsync a proxy is `host:port`, and for all sources'));
  return findings;
}

function pathFindings(pkg: Package): PackageFinding[] {
  const { rsync_extra: extra } = pkg.options as Options<'debmirror'>;
  const findings = keyringFindings(pkg);
  if (!PLAIN_PATH.test(pkg.dst)) {
    const message = 'debmirror passes `dst` to shells unquoted: it has to be a plain path';
    const help = 'use letters, digits and `._+@%=,:-` only';
    findings.push(mistake('plain-path', '/settings/dst', message, help));
  }
  pkg.sources.forEach((source, index) => {
    const parts = webSource(source.url);
    const refuse = (message: string, help: string): void => {
      findings.push(mistake('source-scheme', sourceAt(pkg, index), message, help));
    };
    if (extra.length > 0 && parts !== null && parts.scheme !== 'rsync' && PORT.test(parts.host)) {
      const message =
        '`rsync_extra` goes to the rsync daemon of the same host, which a URL with a port does not name';
      refuse(message, 'leave it out, or use an `rsync://` source');
    }
    if (parts?.scheme === 'rsync' && parts.path === '')
      refuse('an rsync source needs a module: there is none behind the host', 'give `rsync://host/module`');
  });
  return findings;
}

function schemes(pkg: Package): string[] {
  return pkg.sources.flatMap((source) => webSource(source.url)?.scheme ?? []);
}

function configPath(context: MethodContext): string {
  return `${context.work}/debmirror.conf`;
}
