import type { Finding } from '../../diagnostics/diagnostic.js';
import { parseSource } from '../../model/source.js';
import { packageError, type CheckedSite } from './rule.js';

/** The sources of a package as written, each with its place. */
export function sourceTexts(
  src: string | readonly string[] | undefined,
): (readonly [text: string, at: string])[] {
  if (typeof src === 'string') return [[src, '/settings/src']];
  return (src ?? []).map((text, i) => [text, `/settings/src/${i}`] as const);
}

/** A login that means nothing, or a word in the place of a host or port: it would be shown, and no tool would find the host. */
export function sourcesAreClear({ packages }: CheckedSite): Finding[] {
  return packages.flatMap(({ pkg, config }) =>
    sourceTexts(config.settings.src).flatMap(([text, at]) => {
      if (isOption(text)) return [packageError(pkg.id, at, WRONG.option)];
      // Most sources have neither login nor port.
      if (!/@|:(?!\/\/)|:.*:/s.test(text)) return [];
      const { wrong } = parseSource(text);
      return wrong === null ? [] : [packageError(pkg.id, at, WRONG[wrong])];
    }),
  );
}

/**
 * Whether ssh or another program behind a tool could take the user, host or path for an option, as in CVE-2017-1000117;
 * tools decode hosts before. A password may begin with `-`.
 */
function isOption(text: string): boolean {
  if (!/[/:@[](-|%2d)/i.test(text)) return false;
  const url = parseSource(text).source.url.replace(/%2d/gi, '-').replace(/%5b/gi, '[');
  return /^([a-z][a-z0-9+.-]*:\/\/)?([^/]*@)?\[?-/i.test(url) || /^[^/]*[^/:]::?-/.test(url);
}

/** Nothing of the URL is in the words: even what stands for the port may be a password. */
const WRONG = {
  login: {
    code: 'source-login',
    message: 'where the password in this URL ends cannot be told: a host ends at the first `/`',
    help: 'put the password in a root-only file and name that in `password_file`; a path with an `@` needs a URL without password and port',
  },
  encoding: {
    code: 'source-encoding',
    message: 'the user or password in this URL is no percent-encoded text',
    help: 'write `%` as `%25`, `@` as `%40`, `/` as `%2F`; it is UTF-8, without control characters',
  },
  option: {
    code: 'source-option',
    message: 'a user, host or path in this source begins with `-`, and a program would take it for an option',
    help: 'name the host itself; a path below a module or host may begin with `./`',
  },
  port: {
    code: 'source-port',
    message: 'the port in this URL is no number from 1 to 65535',
    help: 'give `host:port`; an IPv6 address stands in brackets',
  },
};
