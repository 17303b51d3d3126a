import { readSmallText, UnfitFile } from '../boundary/small-file.js';

/** Far more than resolv.conf(5) has. */
const LIMIT_BYTES = 65_536;

/**
 * Returns the addresses of the machine's name servers, as /etc/resolv.conf below `root` has them, without an interface
 * behind `%`; none if it cannot be read. A unit that denies addresses must not deny these.
 */
export function readNameServers(root: string): string[] {
  const text = resolvConf(`${root}/etc/resolv.conf`);
  const addresses = [...text.matchAll(/^[ \t]*nameserver[ \t]+([0-9A-Fa-f.:]+)/gm)].map(
    ([, address = '']) => address,
  );
  return [...new Set(addresses)].sort();
}

function resolvConf(path: string): string {
  try {
    // systemd-resolved and resolvconf make it a link.
    return readSmallText(path, { limitBytes: LIMIT_BYTES, followLink: true }) ?? '';
  } catch (error) {
    if (error instanceof UnfitFile || (error as NodeJS.ErrnoException).code !== undefined) return '';
    throw error;
  }
}
