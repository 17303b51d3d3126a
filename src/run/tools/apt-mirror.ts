import { OK } from './table.js';
import type { ToolTable } from './table.js';

/**
 * apt-mirror(1) 0.5.4 and the gpgv and wget around it. It ends with 0 whatever wget could not fetch: `prove-apt` finds that
 * out, and has wget's own words looked up here.
 */
export const aptMirror: ToolTable = {
  name: 'apt-mirror',
  never: [[null, /No space left on device|Disk quota exceeded/, 'space', 'no space left']],
  rows: [
    [[0], /^apt-mirror: can't copy .*/m, 'io', 'an index was not copied'],
    OK,
    [null, /^\[GNUPG:\] BADSIG .*/m, 'transfer', 'an index is not what was signed'],
    // Signed by several keys, one of which is enough.
    [null, /^\[GNUPG:\] GOODSIG /m, 'synced', ''],
    [
      null,
      /^\[GNUPG:\] (NO_PUBKEY|EXPKEYSIG|REVKEYSIG|NODATA) .*|^gpgv: .*keyblock .*/m,
      'auth',
      'not signed by a key of the keyring',
    ],
    [null, /ERROR (401|403|407)|Authentication Failed|Login incorrect/, 'auth', 'refused by upstream'],
    [
      null,
      /Connection refused|Connection timed out|Read error|timed out|unable to resolve|Network is unreachable|No route to host|ERROR 5\d\d|Unable to establish SSL|[Cc]ertificate.{0,200}(cannot|not|n't|expired)|cannot verify|No data received/,
      'unavailable',
      'connection to upstream failed',
    ],
    [null, /^apt-mirror is already running/m, 'tool', 'another apt-mirror works there'],
    [null, /Permission denied/, 'io', 'local trouble'],
    [[126, 127], null, 'config', 'apt-mirror cannot be run'],
  ],
  neverStarted: [],
  explains: [/^apt-mirror: /, 'last'],
  // The step that checks the repository counts.
  transfer: () => null,
};
