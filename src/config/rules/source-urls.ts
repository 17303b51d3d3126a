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
      // Most sources have neither login nor port.
      if (!/@|:(?!\/\/)|:.*:/s.test(text)) return [];
      const { wrong } = parseSource(text);
      return wrong === null ? [] : [packageError(pkg.id, at, WRONG[wrong])];
    }),
  );
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
  port: {
    code: 'source-port',
    message: 'the port in this URL is no number from 1 to 65535',
    help: 'give `host:port`; an IPv6 address stands in brackets',
  },
};
