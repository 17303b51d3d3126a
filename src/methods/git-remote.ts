import { dirname } from 'node:path/posix';
import { shellWord } from '../job/shell.js';
import type { FilePart } from '../job/step.js';
import type { Package, Source } from '../model/site.js';
import { sourceForm } from '../model/source.js';
import { mistake, refusedSources, unsupported } from './findings.js';
import type { MethodContext, Options, PackageFinding } from './method.js';
import { hearsPassword } from './password.js';
import { curlEnvironment, hasProxy } from './redirects.js';
import { sshWords } from './rsync-connection.js';

/** How git reaches a source, or null when it does not, or should not. */
export type Protocol = 'http' | 'https' | 'ssh' | 'git' | 'file';

/** The protocol of a URL or path; `ext::` and other helpers, which run commands, are none. */
export function protocol(url: string): Protocol | null {
  const scheme = /^(https?|ssh|git|file):\/\/[^\s]+$/i.exec(url)?.[1];
  if (scheme !== undefined) return scheme.toLowerCase() as Protocol;
  const form = sourceForm(url);
  if (form === 'path') return 'file';
  return form === 'ssh' ? 'ssh' : null;
}

/** Settings for `git -c` and the environment that reach a source, and the file with its password, if it is told one. */
export interface Remote {
  readonly settings: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly credentials: readonly FilePart[] | null;
}

/**
 * Bytes a second over http below which a transfer makes no progress. What a server that still counts objects says about it is
 * more.
 */
const SLOWEST = 10;

/** Nothing of the host's or a user's configuration, no prompt, no other protocol than the source's. */
export function remote(pkg: Package, context: MethodContext, timeout: number): Remote {
  const { source } = context;
  const kind = protocol(source.url);
  const web = kind === 'http' || kind === 'https';
  const { proxy, caFile } = pkg.network;
  const login = web && hearsPassword(pkg, source) ? webLogin(pkg, source) : null;
  return {
    settings: [
      ...(web ? [`http.lowSpeedLimit=${String(SLOWEST)}`, `http.lowSpeedTime=${String(timeout)}`] : []),
      ...(web && proxy !== null ? [`http.proxy=${proxy}`] : []),
      ...(web && hasProxy(pkg) && pkg.network.redirects.length === 0 ? ['http.followRedirects=false'] : []),
      ...(web && caFile !== null ? [`http.sslCAInfo=${caFile}`] : []),
      // The first one forgets what a repository of an earlier time may say.
      ...(web ? ['credential.helper='] : []),
      ...(login === null ? [] : [`credential.helper=store --file=${shellWord(credentialsFile(context))}`]),
    ],
    env: {
      HOME: context.work,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      // No repository that the state directory lies in.
      GIT_CEILING_DIRECTORIES: dirname(context.work),
      // http may send on to https.
      GIT_ALLOW_PROTOCOL: kind === 'http' ? 'http:https' : (kind ?? 'https'),
      ...(web ? curlEnvironment(pkg, source) : {}),
      ...(kind === 'ssh' ? { GIT_SSH_COMMAND: sshCommand(pkg, timeout) } : {}),
    },
    credentials: login,
  };
}

/** Where the password is for one run, as git's `store` helper reads it. */
export function credentialsFile(context: MethodContext): string {
  return `${context.work}/credentials`;
}

/** The URL of a repository below the source, or of the source itself, with the user that the options name. */
export function repositoryUrl(pkg: Package, source: Source, name: string | null): string {
  const url = name === null ? source.url : `${source.url.replace(/\/+$/, '')}/${name}`;
  const { user } = pkg.options as Options<'git'>;
  const kind = protocol(url);
  if (user === undefined || user === '' || kind === 'file' || kind === 'git' || kind === null) return url;
  if (pkg.password !== null && !hearsPassword(pkg, source)) return url;
  if (/^([a-z]+:\/\/)?[^/@]*@/i.test(url)) return url;
  const scheme = /^[a-z]+:\/\//i.exec(url)?.[0];
  if (scheme === undefined) return `${user}@${url}`;
  return `${scheme}${encodeURIComponent(user)}@${url.slice(scheme.length)}`;
}

/** `https://user:password@host:port`, both percent-encoded; null where there is no user for the password. */
function webLogin(pkg: Package, source: Source): readonly FilePart[] | null {
  const parts = /^(https?:\/\/)([^/@]*)@([^/]+)/i.exec(repositoryUrl(pkg, source, null));
  if (parts === null) return null;
  const [, scheme = '', user = '', host = ''] = parts;
  return [`${scheme.toLowerCase()}${user}:`, { secret: 'password', quote: 'url' }, `@${host}\n`];
}

/** As git hands it to a shell; a server that is silent ends it as it ends http. */
function sshCommand(pkg: Package, timeout: number): string {
  const alive = [
    '-oConnectTimeout=60',
    `-oServerAliveInterval=${String(Math.max(1, Math.floor(timeout / 3)))}`,
  ];
  return [...sshWords(pkg), ...alive, '-oServerAliveCountMax=3'].map(shellWord).join(' ');
}

/** Sources that git does not reach, and settings that it has no way to honour. */
export function remoteFindings(pkg: Package): PackageFinding[] {
  const help =
    'give `https://host/path`, `ssh://user@host/path`, `user@host:path`, `git://host/path` or an absolute path';
  const sources = refusedSources(pkg, help, ({ url, publicUrl }) =>
    protocol(url) === null ? ['source-scheme', `git is not let read from \`${publicUrl}\``] : null,
  );
  if (pkg.sources.length === 0) return sources;
  const kinds = pkg.sources.map((source) => protocol(source.url));
  const web = kinds.some((kind) => kind === 'http' || kind === 'https');
  const onlySsh = kinds.every((kind) => kind === 'ssh');
  const { family, bind, proxy, caFile } = pkg.network;
  const unused = (key: string, used: boolean, where: string): PackageFinding[] => {
    if (used) return [];
    const message = `git can be told \`network.${key}\` for ${where} sources only`;
    return [unsupported(key, message, 'remove it, or use such a source')];
  };
  return [
    ...sources,
    ...unused('family', family === 'any' || onlySsh, 'ssh'),
    ...unused('bind', bind === null || onlySsh, 'ssh'),
    ...unused('proxy', proxy === null || web, 'http and https'),
    ...unused('ca_file', caFile === null || web, 'https'),
    ...loginFindings(pkg, web),
    ...sshFindings(pkg),
  ];
}

/** Files whose names ssh itself would take for something else: several files, or a placeholder. */
function sshFindings(pkg: Package): PackageFinding[] {
  const { key, knownHosts } = pkg.network.ssh;
  const refused = (at: string, path: string): PackageFinding =>
    unsupported(at, `ssh does not take \`${path}\` as one file`, 'use a plain path');
  return [
    ...(key !== null && key.includes('%') ? [refused('ssh/key', key)] : []),
    ...(knownHosts !== null && /[\s'"%]/.test(knownHosts) ? [refused('ssh/known_hosts', knownHosts)] : []),
  ];
}

/** A password that would reach nobody. */
function loginFindings(pkg: Package, web: boolean): PackageFinding[] {
  if (pkg.password === null) return [];
  const at = '/settings/options';
  if (!web) {
    const message = 'git takes a password for http and https only';
    return [mistake('password-unused', at, message, 'use a key: `network.ssh.key`')];
  }
  if (pkg.sources.some((source) => webLogin(pkg, source) !== null)) return [];
  const message = 'there is a password, but no `user` that it belongs to';
  return [mistake('user-missing', at, message, 'name the `user`, which for a token may be any word')];
}
