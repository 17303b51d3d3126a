import type { Source } from './site.js';

/** A source of the config, with a literal password taken out. */
export interface ParsedSource {
  readonly source: Source;
  readonly password: string | null;
}

/**
 * Reads one `src`: `scheme://[user[:password]@]host[:port]/path`, `[user[:password]@]host::module`, `[user@]host:/path`, or a path of
 * this machine. Any text is accepted: which forms a method takes is the method's to say.
 */
export function parseSource(text: string): ParsedSource {
  const url = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^/]*)@)?([^/]*)(.*)$/is.exec(text);
  if (url) {
    const [, scheme = '', login, authority = '', path = ''] = url;
    const { user, password } = splitLogin(login);
    return {
      source: {
        url: `${scheme}${user === null ? '' : `${user}@`}${authority}${path}`,
        publicUrl: `${scheme}${authority}${path}`,
        host: scheme.toLowerCase() === 'file://' ? null : hostOf(authority),
      },
      password,
    };
  }
  const remote = /^(?:([^/@:]*(?::[^/@]*)?)@)?(\[[^\]]*\]|[^/@:[]+)(::?.*)$/s.exec(text);
  if (remote && !text.startsWith('/')) {
    const [, login, host = '', path = ''] = remote;
    const { user, password } = splitLogin(login);
    const url = password === null ? text : `${user === null ? '' : `${user}@`}${host}${path}`;
    return { source: { url, publicUrl: `${host}${path}`, host: hostOf(host) }, password };
  }
  return { source: { url: text, publicUrl: text, host: null }, password: null };
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
