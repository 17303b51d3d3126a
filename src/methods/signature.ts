import type { Package } from '../model/site.js';
import { mistake } from './findings.js';
import type { PackageFinding } from './method.js';

const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** What options say of signatures. */
export interface SignatureOptions {
  readonly check_gpg?: boolean;
  readonly keyring?: readonly string[];
}

/** Whether what upstream signs is checked. */
export function checksSignature({ options }: Package): boolean {
  const { check_gpg = true }: SignatureOptions = options;
  return check_gpg;
}

/** The keyrings for an apt repository: those of `keyring`, or Debian's. */
export function keyrings({ options }: Package): readonly string[] {
  const { keyring = [DEBIAN_KEYRING] }: SignatureOptions = options;
  return keyring;
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
