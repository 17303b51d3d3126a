import type { Source } from './site.js';

/** A source of the config, with a literal password taken out. */
export interface ParsedSource {
  readonly source: Source;
  readonly password: string | null;
  /**
   * `login`: nobody can tell where its login ends, because a host ends at the first `/`; then all before the last `@` is
   * taken for one, so that nothing of a password is ever shown. `encoding`: the login is no percent-encoded text. `port`:
   * what stands for the port is none.
   */
  readonly wrong: 'login' | 'encoding' | 'port' | null;
}

/**
 * Reads one `src`: `scheme://[user[:password]@]host[:port]/path`, `[user[:password]@]host::module`, `[user@]host:/path`, or a path of
 * this machine. Any text is accepted: which forms a method takes is the method's to say.
 */
export function parseSource(text: string): ParsedSource {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0];
  if (scheme !== undefined) return url(scheme, text.slice(scheme.length));
  const remote = text.startsWith('/') ? null : remotePath(text);
  return remote ?? { source: { url: text, publicUrl: text, host: null }, password: null, wrong: null };
}

/**
 * A user or password of a URL as it is meant: percent-encoded UTF-8 in http, https, ftp and ftps (RFC 3986, 3.2.1), while
 * rsync takes its own as they stand. Null where it is not encoded so, or a control character is. `scheme` with `://`.
 */
export function decodedLogin(scheme: string, text: string): string | null {
  if (!text.includes('%') || !/^(https?|ftps?):/i.test(scheme)) return text;
  try {
    const meant = decodeURIComponent(text);
    return /\p{Cc}/u.test(meant) ? null : meant;
  } catch {
    return null;
  }
}

function url(scheme: string, rest: string): ParsedSource {
  const end = rest.indexOf('/');
  const [head, path] = end < 0 ? [rest, ''] : [rest.slice(0, end), rest.slice(end)];
  const at = head.lastIndexOf('@');
  const [login, authority] = [at < 0 ? undefined : head.slice(0, at), head.slice(at + 1)];
  const isFile = scheme.toLowerCase() === 'file://';
  if (!isFile && path.includes('@') && (login ?? authority.replace(/^\[[^\]]*\]/, '')).includes(':')) {
    const last = rest.lastIndexOf('@');
    return { ...url(scheme, `${masked(rest.slice(0, last))}@${rest.slice(last + 1)}`), wrong: 'login' };
  }
  const { user, password } = splitLogin(login);
  const isMeant = decodedLogin(scheme, login ?? '') !== null;
  return {
    source: {
      url: `${scheme}${user === null ? '' : `${user}@`}${authority}${path}`,
      publicUrl: `${scheme}${authority}${path}`,
      host: isFile ? null : hostOf(authority),
    },
    password: password && (decodedLogin(scheme, password) ?? password),
    wrong: !isMeant ? 'encoding' : isFile || hasPort(authority) ? null : 'port',
  };
}

/** How a source is written; `no-module` is a `host::` with nothing behind it. */
export type SourceForm = 'url' | 'module' | 'no-module' | 'ssh' | 'path';

/**
 * Tells the forms of a `src` apart for all methods, as `parseSource` reads them: `scheme://…`, `[user@]host::module`,
 * `[user@]host:path` over ssh, or an absolute path of this machine. A host may be an IPv6 address in brackets. Null for any
 * other text, such as `ext::command` of git, which is `module` here and nothing that git is let use.
 */
export function sourceForm(text: string): SourceForm | null {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return 'url';
  if (text.startsWith('/')) return 'path';
  const [, colons, path] = /^(?:[^/@:\s]+@)?(?:\[[0-9a-z:.%_-]+\]|[^/@:[\]\s]+)(::?)(.*)$/is.exec(text) ?? [];
  if (colons === undefined || path === undefined) return null;
  if (colons === '::') return path === '' ? 'no-module' : 'module';
  return path === '' ? null : 'ssh';
}

/** `host::module`, `host:/path` and their like; null: it is none. */
function remotePath(text: string): ParsedSource | null {
  const [, login, host, path = ''] =
    /^(?:([^/@:]*(?::[^/@]*)?)@)?(\[[^\]]*\]|[^/@:[]+)(::?.*)$/s.exec(text) ?? [];
  if (host === undefined) return null;
  const at = text.lastIndexOf('@');
  // A path may have an `@`, but what is behind that is no host then.
  if (login === undefined && /@(\[[^\]]*\]|[^/@:[]+):[^@]*$/.test(path)) {
    const publicUrl = text.slice(at + 1);
    const source = { url: `${host}@${publicUrl}`, publicUrl, host: null };
    return { source, password: text.slice(host.length + 1, at), wrong: 'login' };
  }
  const { user, password } = splitLogin(login);
  const url = password === null ? text : `${user === null ? '' : `${user}@`}${host}${path}`;
  return { source: { url, publicUrl: `${host}${path}`, host: hostOf(host) }, password, wrong: null };
}

/** A login as one without a `/`, which would end it. */
function masked(login: string): string {
  return login.replaceAll('/', '*');
}

/** Whether an authority has a host, and no port or one from 1 to 65535. */
function hasPort(authority: string): boolean {
  const parts = /^(?:\[[^\]]*\]|[^:]*)(?:$|:(\d{1,5})$)/.exec(authority);
  if (parts === null) return false;
  const port = parts[1] ?? '1';
  return Number(port) >= 1 && Number(port) <= 65_535;
}

function splitLogin(login: string | undefined): { user: string | null; password: string | null } {
  if (login === undefined || login === '') return { user: null, password: null };
  const colon = login.indexOf(':');
  if (colon < 0) return { user: login, password: null };
  return { user: login.slice(0, colon) || null, password: login.slice(colon + 1) || null };
}

function hostOf(authority: string): string | null {
  const bracketed = /^\[([^\]]*)\]/.exec(authority)?.[1];
  const host = (bracketed ?? authority.replace(/:[^:]*$/, '')).toLowerCase();
  return host === '' ? null : host;
}
