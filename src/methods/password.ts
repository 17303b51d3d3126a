import type { Package, Source } from '../model/site.js';
import { decodedLogin } from '../model/source.js';

/**
 * Whether a source is told the package's password. It belongs to the source in whose URL it stood, else to the first one;
 * another one has it only on the same host, or where its URL names the same user: a fallback is mostly somebody else's.
 */
export function hearsPassword(pkg: Package, source: Source): boolean {
  if (pkg.password === null) return false;
  const owner = pkg.sources[pkg.password.source ?? 0];
  if (owner === undefined || owner.url === source.url || owner.host === source.host) return true;
  const user = userOf(source.url);
  const { user: common } = pkg.options;
  return user !== null && user === (userOf(owner.url) ?? common);
}

/** The user that a URL names, as it is meant, or null. */
function userOf(url: string): string | null {
  const [, scheme = '', user = null] = /^([a-z][a-z0-9+.-]*:\/\/)?([^/@:]+)@/i.exec(url) ?? [];
  return user && decodedLogin(scheme, user);
}
