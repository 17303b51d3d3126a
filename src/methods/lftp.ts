import { lftpWord } from '../job/lftp-word.js';
import { NEVER_UPSTREAM_EXPRESSION } from '../job/never-upstream.js';
import type { ExecStep, FilePart } from '../job/step.js';
import type { Network, Package, Source } from '../model/site.js';
import { decodedLogin } from '../model/source.js';
import { mistake, refusedSources, schemeOf, unsupported } from './findings.js';
import { accepted, cacheDirectory, privateFile, workDirectory } from './method.js';
import type { MethodContext, Options, PackageFinding, SyncMethod } from './method.js';
import { nestedExpressions } from './nested.js';
import { hearsPassword } from './password.js';
import { hasProxy, NOWHERE, upstreamHosts } from './redirects.js';

/** `scheme://[user@]host[:port]/path`, nothing after it. */
const SOURCE = /^(ftps?|https?):\/\/(?:([^@/?#]*)@)?([^@/?#\s]+)(\/[^?#]*)?$/i;

/** How lftp names what upstream no longer has, relative to dst; it deletes nothing itself. */
const TOLD = "^Old (?:file|directory) `(.*)' is not removed$";

/** Printed before what holds the listing against dst; `run/tools/lftp` looks for it. */
const PROOF = 'mirror: the listing is held against dst';

/**
 * ftp, ftps, http and https by lftp's `mirror`. Settings and login are in a private script; the `mirror` command that it
 * is followed by is in argv, for plan to show.
 */
export const lftp: SyncMethod = {
  name: 'lftp',
  tools: () => [{ command: 'lftp', debian: 'lftp' }],
  check: (pkg) => [...sourceFindings(pkg), ...loginFindings(pkg), ...networkFindings(pkg)],
  steps: (pkg, context) => [
    { kind: 'require-directory', path: pkg.dst },
    workDirectory(context),
    ...(isWeb(context.source.url) ? [cacheDirectory(context)] : []),
    privateFile(script(context), session(pkg, context)),
    mainPass(pkg, context),
  ],
};

function script(context: MethodContext): string {
  return `${context.work}/session.lftp`;
}

function mainPass(pkg: Package, context: MethodContext): ExecStep {
  const { skip, max_retries, net_timeout } = pkg.options as Options<'lftp'>;
  const argv = (...commands: readonly string[]): string[] => [
    'lftp',
    '--norc',
    '-c',
    [`source ${lftpWord(script(context))}`, ...commands].join(' && '),
  ];
  return {
    kind: 'exec',
    tool: 'lftp',
    argv: argv(mirrorCommand(pkg, ['--verbose=3']), ...proof(pkg, context.source)),
    // Its files beside ours: no ~/.netrc, no log of transfers in anybody's home.
    env: { HOME: context.work },
    ...accepted(pkg),
    // A fallback may lag behind: what it does not have yet is no reason to delete.
    ...(context.fallback ? {} : { told_deletions: { pattern: TOLD, ...doubts(context) } }),
    ...(skip.length > 0 ? { skip } : {}),
    stall: 2 * max_retries * (net_timeout + pause(pkg)),
    growth: 2 * max_retries * (net_timeout + pause(pkg)),
    dry_run: { at: 3, remove: 1, words: argv(mirrorCommand(pkg, ['--verbose=3', '--dry-run'])).slice(3) },
  };
}

/**
 * Holds the listing that lftp has just worked from against dst, without asking upstream for it again: what it would fetch now
 * is missing. Over http each size would be a request.
 */
function proof(pkg: Package, { url }: Source): string[] {
  const compared = isWeb(url) ? ['--ignore-time', '--ignore-size'] : ['--ignore-time'];
  return [
    `echo ${lftpWord(PROOF)}`,
    mirrorCommand(pkg, ['--verbose=1', '--dry-run', '--use-cache', ...compared]),
  ];
}

/** Over http a page of something else looks like a list of files. */
function doubts({ source, cache }: MethodContext): { doubts?: string } {
  return isWeb(source.url) ? { doubts: `${cache}/doubts.json` } : {};
}

function isWeb(url: string): boolean {
  return /^https?:/i.test(url);
}

/** Seconds between two attempts: lftp's own, but no longer than an attempt may take. */
function pause(pkg: Package): number {
  return Math.min(30, (pkg.options as Options<'lftp'>).net_timeout);
}

function mirrorCommand(pkg: Package, extra: readonly string[]): string {
  const options = pkg.options as Options<'lftp'>;
  const globs = [...options.exclude_X, ...options.exclude];
  return [
    'mirror',
    '--continue',
    '--no-perms',
    ...(options.scan_all_first ? ['--scan-all-first'] : []),
    ...(options.symlinks ? [] : ['--no-symlinks']),
    ...(options.parallel > 1 ? [`--parallel=${String(options.parallel)}`] : []),
    ...[...nestedExpressions(pkg), NEVER_UPSTREAM_EXPRESSION, ...options.exclude_x].map(
      (pattern) => `--exclude=${lftpWord(pattern)}`,
    ),
    // lftp compares directories with a slash at their end: without the second form `lost+found` would match files only.
    ...globs
      .flatMap((glob) => (glob.endsWith('/') ? [glob] : [glob, `${glob}/`]))
      .map((glob) => `--exclude-glob=${lftpWord(glob)}`),
    ...extra,
    '.',
    lftpWord(pkg.dst),
  ].join(' ');
}

/** The private script: settings that a run depends on, whatever /etc/lftp.conf says, then the login. */
function session(pkg: Package, context: MethodContext): FilePart[] {
  const options = pkg.options as Options<'lftp'>;
  const { user, url } = login(pkg, context.source);
  const timeout = String(options.net_timeout);
  const retries = String(options.max_retries);
  const settings: (readonly [name: string, value: string])[] = [
    ['cmd:fail-exit', 'yes'],
    // Only then does `mirror` say at its end what it has done.
    ['cmd:interactive', 'yes'],
    ['xfer:log', 'no'],
    ['xfer:disk-full-fatal', 'yes'],
    // Readers see the old file until the new one is whole; `mirror` leaves such names alone.
    ['xfer:use-temp-file', 'yes'],
    ['xfer:temp-file-name', '.in.*'],
    ['mirror:overwrite', 'yes'],
    ['mirror:exclude-regex', '(^|/)(\\.in\\.|\\.nfs)|[[:cntrl:]]'],
    ['net:timeout', timeout],
    ['net:max-retries', retries],
    ['net:persist-retries', '0'],
    ['net:reconnect-interval-base', String(pause(pkg))],
    ['net:reconnect-interval-max', String(pause(pkg))],
    ['net:reconnect-interval-multiplier', '1'],
    // The listing is held against dst at the end, however long the pass took.
    ['cache:expire', '30d'],
    ['dns:fatal-timeout', timeout],
    ['dns:max-retries', retries],
    ['ftp:anon-pass', `mirror@${context.site.hostname}`],
    ['ftp:list-options', options.list_options],
    ['ftp:ssl-allow', options.tls === 'off' ? 'no' : 'yes'],
    ['ftp:ssl-allow-anonymous', options.tls === 'required' ? 'yes' : 'no'],
    ['ftp:ssl-force', options.tls === 'required' ? 'yes' : 'no'],
    ['ssl:verify-certificate', 'yes'],
    ['ssl:check-hostname', 'yes'],
    ...networkSettings(pkg.network),
    ...redirectSettings(pkg, context.source),
  ];
  return [
    settings.map(([name, value]) => `set ${name} ${lftpWord(value)}\n`).join(''),
    'open',
    ...(user === null
      ? []
      : [` ${lftpWord(`--user=${user}`)} --password `, passwordPart(pkg, context.source)]),
    ` ${lftpWord(url)}\n`,
  ];
}

function passwordPart(pkg: Package, source: Source): FilePart {
  return hearsPassword(pkg, source) ? { secret: 'password', quote: 'lftp' } : '""';
}

function networkSettings({ family, bind, proxy, caFile }: Network): [string, string][] {
  const through = webProxy(proxy);
  return [
    ...(family === 'any'
      ? []
      : ([['dns:order', family === 'ipv4' ? 'inet' : 'inet6']] as [string, string][])),
    ...(bind === null
      ? []
      : ([[`net:socket-bind-${bind.includes(':') ? 'ipv6' : 'ipv4'}`, bind]] as [string, string][])),
    ...(through === null
      ? []
      : ['ftp', 'http', 'https'].map((scheme): [string, string] => [`${scheme}:proxy`, through])),
    ...(caFile === null ? [] : ([['ssl:ca-file', caFile]] as [string, string][])),
  ];
}

/**
 * Keeps lftp on the upstream's hosts. A setting with a host behind its name wins over the one without. ftp cannot redirect,
 * but its server names the address of each data connection.
 */
function redirectSettings(pkg: Package, source: Source): [string, string][] {
  const scheme = schemeOf(source.url)?.toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return [['ftp:ignore-pasv-address', 'yes']];
  const { proxy, redirects } = pkg.network;
  if (proxy === null && hasProxy(pkg)) return redirects.length > 0 ? [] : [['xfer:max-redirections', '0']];
  const direct = webProxy(proxy) ?? '';
  // From https nothing leads back to http.
  const schemes = scheme === 'https' ? ['https'] : ['http', 'https'];
  const open = schemes.flatMap((name) =>
    upstreamHosts(pkg, source).flatMap((host): [string, string][] => [
      [`${name}:proxy/${host}`, direct],
      [`${name}:proxy/*.${host}`, direct],
    ]),
  );
  return [
    ...['http', 'https', 'ftp', 'hftp'].map((name): [string, string] => [`${name}:proxy`, NOWHERE]),
    ...['sftp', 'fish'].map((name): [string, string] => [`${name}:connect-program`, 'false']),
    ...open,
  ];
}

function webProxy(proxy: string | null): string | null {
  return proxy === null || proxy.includes('://') ? proxy : `http://${proxy}`;
}

/**
 * The user, from the options or the URL, and the URL without one, as a directory. A source that does not hear the password
 * is somebody else's, where the options' user is nobody.
 */
function login(pkg: Package, source: Source): { user: string | null; url: string } {
  const [, scheme = 'ftp', inUrl = '', host = '', path = '/'] = SOURCE.exec(source.url) ?? [];
  const { user = '' } = pkg.options as Options<'lftp'>;
  const known = user !== '' && (pkg.password === null || hearsPassword(pkg, source));
  const name = known ? user : (decodedLogin(`${scheme}:`, inUrl) ?? inUrl);
  return {
    user: name === '' ? null : name,
    url: `${scheme.toLowerCase()}://${host.toLowerCase()}${path.endsWith('/') ? path : `${path}/`}`,
  };
}

function sourceFindings(pkg: Package): PackageFinding[] {
  const help = 'give `ftp://host/path/`, or `ftps`, `http` or `https`';
  return refusedSources(pkg, help, ({ url, publicUrl }) => {
    if (SOURCE.test(url)) return null;
    const scheme = schemeOf(url);
    if (scheme === undefined) return ['source-scheme', `lftp cannot read from \`${publicUrl}\``];
    const ours = /^(ftps?|https?)$/i.test(scheme);
    const message = ours
      ? `\`${publicUrl}\` is not the URL of a directory`
      : `\`lftp\` does not sync from \`${scheme}\``;
    return ['source-scheme', message];
  });
}

/** A password that would be sent to nobody. */
function loginFindings(pkg: Package): PackageFinding[] {
  if (pkg.password === null || pkg.sources.every((source) => login(pkg, source).user !== null)) return [];
  const message = 'there is a password, but no `user` that it belongs to';
  const help = 'name the `user`, or take the password out: without both the login is anonymous';
  return [mistake('user-missing', '/settings/options', message, help)];
}

function networkFindings({ network: { bind, proxy } }: Package): PackageFinding[] {
  const findings: PackageFinding[] = [];
  if (bind?.includes('%') === true) {
    const message = 'lftp takes an address without `%` and a network device';
    findings.push(unsupported('bind', message, 'use another address'));
  }
  if (proxy !== null && !/^(http:\/\/)?[^\s/@]+:\d+\/?$/i.test(proxy)) {
    const message = 'lftp takes the proxy as `host:port` or `http://host:port`';
    findings.push(unsupported('proxy', message, 'give it so'));
  }
  return findings;
}
