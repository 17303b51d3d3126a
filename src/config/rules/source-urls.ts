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

/** A password or a word in the place of a host or port: it would be shown, and no tool would find the host. */
export function sourcesAreClear({ packages }: CheckedSite): Finding[] {
  return packages.flatMap(({ pkg, config }) =>
    sourceTexts(config.settings.src).flatMap(([text, at]) => {
      // Most sources have neither login nor port.
      if (!/@|:(?!\/\/)|:.*:/s.test(text)) return [];
      const { wrong } = parseSource(text);
      const said = wrong === 'login' ? LOGIN : wrong === 'port' ? PORT : null;
      return said === null ? [] : [packageError(pkg.id, at, said)];
    }),
  );
}

const LOGIN = {
  code: 'source-login',
  message: 'where the password in this URL ends cannot be told: a host ends at the first `/`',
  help: 'put the password in a root-only file and name that in `password_file`; a path with an `@` needs a URL without password and port',
};

/** Nothing of the URL is in the words: what stands for the port may be a password. */
const PORT = {
  code: 'source-port',
  message: 'the port in this URL is no number from 1 to 65535',
  help: 'give `host:port`; an IPv6 address stands in brackets',
};
