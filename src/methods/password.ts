import type { MethodOptions } from '../config/types.generated.js';
import type { Package, Source } from '../model/site.js';
import { decodedLogin } from '../model/source.js';
import { mistake, sourceAt } from './findings.js';
import type { Options, PackageFinding } from './method.js';

/** Methods whose tool is told a password, which is that of a user. */
type ToldPassword = Exclude<keyof MethodOptions, 'bandersnatch' | 'command' | 'local'>;

/**
 * Whether a source is told the package's password. It belongs to the source in whose URL it stood, else to the first one;
 * another one has it only on the same host, or where its URL names the same user: a fallback is mostly somebody else's.
 */
export function hearsPassword(pkg: Package, source: Source): boolean {
  if (pkg.password === null) return false;
  const owner = pkg.sources[pkg.password.source ?? 0];
  if (owner === undefined || owner.url === source.url || owner.host === source.host) return true;
  const user = userOf(source.url);
  const { user: common } = pkg.options as Options<ToldPassword>;
  return user !== null && user === (userOf(owner.url) ?? common);
}

/** A password that the package's tool is never told; `help` says where it belongs. */
export function unusedPassword(pkg: Package, message: string, help: string): PackageFinding {
  return mistake('password-unused', passwordAt(pkg), message, help);
}

/** A password in a URL of a method that has no tool to tell it to, or one of the site's own. */
export function untoldPassword(pkg: Package): PackageFinding[] {
  if (pkg.password === null) return [];
  const message = `\`${pkg.synctype}\` is never told the password of a URL`;
  return [unusedPassword(pkg, message, 'let the program read it from a file of its own')];
}

/** Where the password stands: in an option, or in a source's URL. */
function passwordAt(pkg: Package): string {
  if (pkg.password === null || 'file' in pkg.password) return '/settings/options/password_file';
  const { source } = pkg.password;
  return source === undefined ? '/settings/options/password' : sourceAt(pkg, source);
}

/** The user that a URL names, as it is meant, or null. */
function userOf(url: string): string | null {
  const [, scheme = '', user = null] = /^([a-z][a-z0-9+.-]*:\/\/)?([^/@:]+)@/i.exec(url) ?? [];
  return user && decodedLogin(scheme, user);
}
