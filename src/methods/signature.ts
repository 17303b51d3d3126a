import type { Package } from '../model/site.js';
import { mistake } from './findings.js';
import type { Options, PackageFinding } from './method.js';

/** Whether what upstream signs is checked. */
export function checksSignature({ options }: Package): boolean {
  return (options as Options<'apt-mirror' | 'debmirror' | 'reposync'>).check_gpg;
}

/** The keyrings for an apt repository. */
export function keyrings({ options }: Package): readonly string[] {
  return (options as Options<'apt-mirror' | 'debmirror'>).keyring;
}

/** Keyrings that gpgv does not read. */
export function keyringFindings(pkg: Package): PackageFinding[] {
  if (!checksSignature(pkg)) return [];
  return keyrings(pkg).flatMap((path, index) => {
    if (!/\.asc$/i.test(path)) return [];
    const message = `\`${path}\` looks like an armored key, which ${pkg.synctype}'s gpgv cannot read`;
    const help = `make a keyring of it: \`gpg --dearmor < ${path} > ${path.slice(0, -3)}gpg\``;
    return mistake('keyring-format', `/settings/options/keyring/${String(index)}`, message, help);
  });
}
