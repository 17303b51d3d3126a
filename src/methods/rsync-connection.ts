import type { WriteFileStep } from '../job/step.js';
import type { Network, Package, Source } from '../model/site.js';
import { sourceForm } from '../model/source.js';
import { unsupported } from './findings.js';
import { privateFile } from './method.js';
import type { Options, PackageFinding } from './method.js';
import { hearsPassword, unusedPassword } from './password.js';

/** How rsync reaches a source, or null when it cannot. */
export function endpoint(url: string): 'daemon' | 'ssh' | 'path' | null {
  const form = sourceForm(url);
  if (form === 'url') return /^rsync:\/\/[^/]+\/./.test(url) ? 'daemon' : null;
  if (form === 'module') return 'daemon';
  return form === 'no-module' ? null : form;
}

/** Whether a source is told the package's password: a daemon is; ssh may not ask (`BatchMode`), and a path needs none. */
export function tellsPassword(pkg: Package, source: Source): boolean {
  return endpoint(source.url) === 'daemon' && hearsPassword(pkg, source);
}

/** What options say of the connection. */
export type ConnectionOptions = Pick<
  Options<'quick-fedora' | 'rsync' | 'ubuntu'>,
  'user' | 'timeout' | 'contimeout'
>;

/** What every rsync to this source needs: flags, environment and, for a daemon with a password, its delivery. */
export interface Connection {
  readonly flags: readonly string[];
  readonly env: { readonly env?: Readonly<Record<string, string>> };
  readonly secret: { readonly url: string; readonly stdin: { readonly stdin_secret?: string } };
}

/**
 * Translates `network`, the user, the password and the time limits. `--contimeout` goes to daemons only: anywhere else
 * it is a usage error of rsync. The password travels on stdin, never in argv or environment.
 */
export function connection(pkg: Package, source: Source, options: ConnectionOptions): Connection {
  const kind = endpoint(source.url);
  const { family, bind, proxy } = pkg.network;
  const remote = kind === 'daemon' || kind === 'ssh';
  const password = tellsPassword(pkg, source);
  const flags = [
    // Free text of upstream's among rsync's own words: it would be read as one of them.
    '--no-motd',
    `--timeout=${options.timeout}`,
    ...(kind === 'daemon' ? [`--contimeout=${options.contimeout}`] : []),
    ...(remote ? addressWords({ family, bind: kind === 'daemon' ? bind : null }) : []),
    ...(kind === 'ssh' ? [`--rsh=${sshWords(pkg).join(' ')}`] : []),
    ...(password ? ['--password-file=-'] : []),
  ];
  return {
    flags,
    env: kind === 'daemon' && proxy !== null ? { env: { RSYNC_PROXY: proxy } } : {},
    secret: { url: withUser(source.url, options.user), stdin: password ? { stdin_secret: 'password' } : {} },
  };
}

/** The address to come from, which only a daemon is reached from, and its family. */
export function addressWords({ family, bind }: Pick<Network, 'family' | 'bind'>): string[] {
  return [...(family === 'any' ? [] : [`--${family}`]), ...(bind === null ? [] : [`--address=${bind}`])];
}

/** The file for `--password-file` of an rsync that another tool starts: no stdin of ours gets there. */
export function passwordFile(pkg: Package, source: Source, path: string): WriteFileStep[] {
  if (!hearsPassword(pkg, source)) return [];
  return [privateFile(path, [{ secret: 'password', quote: 'raw' }, '\n'])];
}

/** Settings that rsync has no way to honour, and a password that it tells nobody. */
export function connectionFindings(pkg: Package): PackageFinding[] {
  const { proxy, caFile, ssh } = pkg.network;
  const findings = passwordFindings(pkg);
  if (caFile !== null)
    findings.push(unsupported('ca_file', 'rsync has no TLS, so `ca_file` would not be used'));
  findings.push(...rsyncProxyFindings(pkg.network));
  if (proxy !== null && pkg.sources.some((source) => endpoint(source.url) !== 'daemon')) {
    const message = 'rsync uses a proxy for daemon sources only';
    findings.push(unsupported('proxy', message, 'remove it, or use an `rsync://` source'));
  }
  for (const [key, path] of [
    ['ssh/key', ssh.key],
    ['ssh/known_hosts', ssh.knownHosts],
  ] as const) {
    // rsync splits the remote shell's command line at blanks.
    if (path === null || !/[\s'"]/.test(path)) continue;
    const message = `\`${path}\` has a blank or quote, which rsync cannot pass to ssh`;
    findings.push(unsupported(key, message, 'use a plain path'));
  }
  return findings;
}

function passwordFindings(pkg: Package): PackageFinding[] {
  const { password, sources } = pkg;
  if (password === null || sources.some((source) => tellsPassword(pkg, source))) return [];
  // What is wrong with other sources is said of them.
  if (sources.length === 0 || sources.some(({ url }) => endpoint(url) === null)) return [];
  const message = 'no source is told this password: rsync gives it to daemons only';
  return [unusedPassword(pkg, message, 'take it out; for ssh name a key in `network.ssh.key`')];
}

/** A proxy that rsync does not take. */
export function rsyncProxyFindings({ proxy }: Network): PackageFinding[] {
  if (proxy === null || isRsyncProxy(proxy)) return [];
  const message = 'rsync takes a proxy as `host:port`, without a user or a scheme';
  return [unsupported('proxy', message, 'give `host:port`')];
}

/** Whether rsync takes it as RSYNC_PROXY. */
export function isRsyncProxy(proxy: string): boolean {
  return /^[^\s/@]+:\d+$/.test(proxy);
}

/**
 * No prompt, no connection that outlives the run, no unknown host key. Where the config names both files, ssh reads nothing
 * of the user's ~/.ssh, which it finds whatever HOME is and which all packages of that user may write.
 */
export function sshWords(pkg: Package): string[] {
  const { family, bind, ssh } = pkg.network;
  return [
    'ssh',
    ...(ssh.key === null || ssh.knownHosts === null ? [] : ['-F', 'none']),
    '-oBatchMode=yes',
    '-oControlMaster=no',
    '-oControlPath=none',
    '-oStrictHostKeyChecking=yes',
    ...(ssh.knownHosts === null ? [] : [`-oUserKnownHostsFile=${ssh.knownHosts}`]),
    ...(ssh.key === null ? [] : ['-i', ssh.key, '-oIdentitiesOnly=yes']),
    ...(ssh.port === null ? [] : ['-p', String(ssh.port)]),
    ...(bind === null ? [] : ['-b', bind]),
    ...(family === 'any' ? [] : [family === 'ipv4' ? '-4' : '-6']),
  ];
}

function withUser(url: string, user: string | undefined): string {
  if (user === undefined || user === '' || /^(rsync:\/\/)?[^/]*@/.test(url) || url.startsWith('/'))
    return url;
  return url.startsWith('rsync://') ? `rsync://${user}@${url.slice('rsync://'.length)}` : `${user}@${url}`;
}
