import { OK, REDIRECTED } from './table.js';
import type { ToolTable } from './table.js';

/** dnf reposync, rpmkeys, and gpgv and curl for its index: dnf(8) 4 ends with 1 whatever went wrong, so its words, and librepo's, decide. */
export const reposync: ToolTable = {
  name: 'reposync',
  never: [
    [
      null,
      /No space left on device|Disk quota exceeded|Failed writing received data/,
      'space',
      'no space left',
    ],
  ],
  rows: [
    OK,
    [null, /^Error: mirror: refused the name /m, 'transfer', 'upstream names what is no plain path'],
    [null, /Status code: (401|403|407) for /, 'auth', 'refused by upstream'],
    [null, /\[Failed to connect to 127\.0\.0\.1 port 1 /, 'unavailable', REDIRECTED],
    [null, /Status code: 404 for \S+\/repodata\/repomd\.xml /, 'config', 'upstream has no repository there'],
    [
      null,
      /Curl error \((5|6|7|18|28|35|52|55|56|60|77|92)\): |Status code: 5\d\d for /,
      'unavailable',
      'connection to upstream failed',
    ],
    [null, /^curl: \(\d/m, 'unavailable', 'connection to upstream failed'],
    [
      null,
      /^gpgv: (BAD signature|Can't check signature|no valid OpenPGP|verify signatures failed|.{0,200}: No public key)/m,
      'transfer',
      'the index is not signed by one of the keys',
    ],
    [null, /^(?=\S+\.rpm:)(?=.* DIGESTS ).*NOT OK$/m, 'transfer', 'a package is damaged'],
    [null, /^\S+\.rpm: .*SIGNATURES NOT OK$/m, 'auth', 'a package is not signed by one of the keys'],
    [null, /^error: .*(import read failed|not an armored public key)/m, 'config', 'a key cannot be read'],
    [
      null,
      /^\[MIRROR\] \S+\.rpm: (Status code: 4|Interrupted by header|.*checksum)/m,
      'transfer',
      'packages are not there, or not what the index says',
    ],
    [
      null,
      /^\[FAILED\] |Failed to download metadata|Yum repo downloading error/m,
      'transfer',
      'not all was fetched',
    ],
    [
      null,
      /^Error: Download target '.{1,1000}' is outside of download path/m,
      'config',
      'the index names packages beside the repository, which dnf does not mirror: mirror the directory above by rsync or lftp',
    ],
    [null, /Permission denied/, 'io', 'local trouble'],
    [[126, 127], null, 'config', 'dnf cannot be run'],
  ],
  neverStarted: [],
  explains: [/^Error: /, 'last'],
  // The step that checks the repository counts.
  transfer: () => null,
};
