import type { CountDeletionsStep, ExecStep, Step, WriteFileStep } from '../job/step.js';
import type { Package, Source } from '../model/site.js';
import { mistake, sourceAt, unsupported } from './findings.js';
import { accepted, workDirectory } from './method.js';
import { hearsPassword } from './password.js';
import type { MethodContext, PackageFinding, SyncMethod } from './method.js';
import { isRsyncProxy } from './rsync-connection.js';
import { checksSignature, keyringFindings, keyrings } from './signature.js';
import type { SignatureOptions } from './signature.js';
import { caFileFindings, proxyFindings, upstream, webSource, webSourceFindings } from './web-source.js';

/** Options of `synctype: "debmirror"`, as its schema leaves them. */
interface DebmirrorOptions extends SignatureOptions {
  readonly user?: string;
  readonly dists: readonly string[];
  readonly sections?: readonly string[];
  readonly arches?: readonly string[];
  readonly source?: boolean;
  readonly i18n?: boolean;
  readonly contents?: boolean;
  readonly checksums?: boolean;
  readonly diff?: string;
  readonly cleanup?: 'after' | 'never';
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly exclude_sections?: readonly string[];
  readonly limit_priority?: readonly string[];
  readonly ignore?: readonly string[];
  readonly rsync_extra?: readonly string[];
  readonly di_dists?: readonly string[];
  readonly di_arches?: readonly string[];
  readonly suite_symlinks?: boolean;
  readonly timeout?: number;
}

const SCHEMES = ['http', 'https', 'ftp', 'rsync'];

const PORT = /:\d+$/;

/** Its words go unquoted through shells of debmirror's own. */
const PLAIN_PATH = /^[A-Za-z0-9._+@%=,:/-]+$/;

/** A partial mirror of an apt repository by debmirror(1): only the dists, sections and architectures asked for. */
export const debmirror: SyncMethod = {
  name: 'debmirror',
  tools: (pkg) => [
    { command: 'debmirror', debian: 'debmirror' },
    ...(schemes(pkg).includes('rsync') ? [{ command: 'rsync', debian: 'rsync' }] : []),
  ],
  check: (pkg) => [...webSourceFindings(pkg, SCHEMES), ...networkFindings(pkg), ...pathFindings(pkg)],
  steps: (pkg, context) => {
    const { cleanup = 'after' }: Partial<DebmirrorOptions> = pkg.options;
    const deletes = !context.fallback && cleanup === 'after';
    return [
      { kind: 'require-directory', path: pkg.dst },
      workDirectory(context),
      configFile(pkg, context),
      ...rsyncPassword(pkg, context),
      ...(deletes ? [count(pkg, context)] : []),
      exec(pkg, context, deletes),
    ];
  },
};

/** Nothing about deletions is said of debmirror's own `.temp`, which is no part of the mirror. */
function count(pkg: Package, context: MethodContext): CountDeletionsStep {
  const { tool, argv, env } = exec(pkg, context, true);
  return {
    kind: 'count-deletions',
    tool,
    argv: argv.toSpliced(argv.length - 1, 0, '--dry-run'),
    ...(env ? { env } : {}),
    pattern: '^deleting (?!\\.temp/)',
  };
}

function exec(pkg: Package, context: MethodContext, deletes: boolean): ExecStep {
  const options = pkg.options as unknown as DebmirrorOptions;
  const { network } = pkg;
  const { scheme, host, path } = upstream(context.source);
  const list = (flag: string, values: readonly string[] = []): string[] =>
    values.length > 0 ? [`--${flag}=${values.join(',')}`] : [];
  const each = (flag: string, values: readonly string[] = []): string[] =>
    values.map((value) => `--${flag}=${value}`);
  const { arches = ['amd64'], sections = ['main'], rsync_extra = [] } = options;
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
    options.source === false ? '--nosource' : '--source',
    ...list('rsync-extra', rsync_extra.length > 0 ? rsync_extra : ['none']),
    ...list('di-dist', options.di_dists),
    ...list('di-arch', options.di_arches),
    `--diff=${options.diff ?? 'none'}`,
    ...(checksSignature(pkg) ? ['--check-gpg', ...each('keyring', keyrings(pkg))] : ['--no-check-gpg']),
    ...(options.i18n ? ['--i18n'] : []),
    ...(options.contents ? ['--getcontents'] : []),
    ...(options.checksums ? ['--checksums'] : []),
    ...(options.suite_symlinks === false ? ['--omit-suite-symlinks'] : []),
    ...each('include', options.include),
    ...each('exclude', options.exclude),
    ...each('exclude-deb-section', options.exclude_sections),
    ...each('limit-priority', options.limit_priority),
    ...each('ignore', options.ignore),
    `--timeout=${String(options.timeout ?? 300)}`,
    ...(scheme === 'ftp' ? ['--passive'] : []),
    ...(network.proxy !== null && scheme !== 'rsync' ? [`--proxy=${network.proxy}`] : []),
    ...(rsync === '' ? [] : [`--rsync-options=-aIL --partial ${rsync}`]),
    deletes ? '--postcleanup' : '--nocleanup',
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
    dry_run: { at: argv.length - 1, remove: 0, words: ['--dry-run'] },
  };
}

/**
 * debmirror's configuration is Perl. It gets the user and the password here, where nobody else can read them, and a
 * correction: after a failed download debmirror (2.37) puts the new index in place and deletes what the old one named.
 * Here it ends before that. It also counts what it does, which it never tells, and its warnings get lines of their own.
 */
function configFile(pkg: Package, context: MethodContext): WriteFileStep {
  const { scheme, user } = upstream(context.source);
  const { user: name = '' }: Partial<DebmirrorOptions> = pkg.options;
  const login = name === '' ? user : encodeURIComponent(name).replaceAll("'", '%27');
  // In a URL they stay encoded; Net::FTP and rsync take them as they are.
  const decode = scheme === 'ftp' || scheme === 'rsync' ? 's/%([0-9A-Fa-f]{2})/chr hex $1/ge' : '';
  return {
    kind: 'write-file',
    path: configPath(context),
    mode: '0600',
    content: [
      '# Written for one run: debmirror reads this as Perl.\n',
      ...(login === ''
        ? []
        : [`$user = '${login}';\n`, "$passwd = '", ...password(pkg, context.source), "';\n"]),
      ...(login === '' || decode === '' ? [] : [`${decode} for $user, $passwd;\n`]),
      CORRECTION,
    ],
  };
}

const CORRECTION = `{
  no warnings;
  my ($files, $bytes, $deleted) = (0, 0, 0);
  $SIG{__WARN__} = sub { print "\\n", @_ };
  *say = sub {
    # What a dry run of rsync did not fetch is counted as missing.
    $num_errors = 0 if $do_dry_run and $_[0] =~ /^Everything OK/;
    die "Failed to download files ($num_errors errors)!\\n" if $num_errors and $_[0] =~ /^Everything OK/;
    $deleted++ if $_[0] =~ /^deleting (?!\\.temp\\/)/ and !$do_dry_run;
    print "@_\\n";
  };
  for my $name ('http_get', 'ftp_get') {
    my $get = \\&$name;
    *$name = sub {
      my $done = $get->(@_);
      if ($done and !$do_dry_run) { $files++; $bytes += -s $_[0]; }
      return $done;
    };
  }
  END { print "mirror: fetched $files files, $bytes bytes; deleted $deleted\\n" }
}
1;
`;

function password(pkg: Package, source: Source): WriteFileStep['content'] {
  return hearsPassword(pkg, source) ? [{ secret: 'password', quote: 'url' }] : [];
}

/** rsync reads its password from a file. */
function rsyncPassword(pkg: Package, context: MethodContext): Step[] {
  if (upstream(context.source).scheme !== 'rsync' || !hearsPassword(pkg, context.source)) return [];
  const content = [{ secret: 'password', quote: 'raw' as const }, '\n'];
  return [{ kind: 'write-file', path: `${context.work}/rsync-password`, mode: '0600', content }];
}

function rsyncFlags(pkg: Package, context: MethodContext): string {
  if (upstream(context.source).scheme !== 'rsync') return '';
  const { family, bind } = pkg.network;
  const port = PORT.exec(upstream(context.source).host)?.[0].slice(1);
  return [
    ...(port === undefined ? [] : [`--port=${port}`]),
    ...(!hearsPassword(pkg, context.source) ? [] : [`--password-file='${context.work}/rsync-password'`]),
    ...(family === 'any' ? [] : [family === 'ipv4' ? '--ipv4' : '--ipv6']),
    ...(bind === null ? [] : [`--address=${bind}`]),
  ].join(' ');
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
  const { rsync_extra: extra = [] }: Partial<DebmirrorOptions> = pkg.options;
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
