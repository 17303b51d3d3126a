import type { Transfer } from '../../state/package-state.js';
import { figures } from '../figures.js';
import type { DryLine } from './dry-lines.js';
import { OK, REDIRECTED } from './table.js';
import type { ToolTable } from './table.js';

/**
 * debmirror(1) 2.37 ends with 1, or with whatever Perl's `die` makes of errno: its words decide, most of them those of
 * LWP, Net::FTP, gpgv and rsync. It ends with 0 although an rsync of extra files or a copy of an index failed.
 */
export const debmirror: ToolTable = {
  name: 'debmirror',
  never: [[null, /No space left on device|Disk quota exceeded/, 'space', 'no space left']],
  rows: [
    [[0], /^cp: .*(No space left on device|Disk quota exceeded)/m, 'space', 'no space left'],
    [[0], /^cp: /m, 'io', 'an index was not put in its place'],
    [[0], /^Deletions stopped due to --max-delete limit.*/m, 'blocked', 'the delete guard stopped rsync'],
    [[0], /^Warning: failed to use rsync/m, 'transfer', 'extra files were not transferred'],
    OK,
    [null, /^mirror: refused a redirect to /m, 'unavailable', REDIRECTED],
    [null, /^mirror: refused the name /m, 'transfer', 'upstream names what is no plain path'],
    [
      null,
      /^(Download of \S+ failed: 40[137] |login failed|@ERROR: (auth failed|access denied|Unknown module))/m,
      'auth',
      'refused by upstream',
    ],
    [
      null,
      /^(Download of \S+ failed: (5\d\d |Timeout)|read (timeout|failed)|Transfer truncated|Net::FTP: |rsync error: .*\(code (5|10|12|30|35)\))/m,
      'unavailable',
      'connection to upstream failed',
    ],
    [null, /^Download of dists\/\S+\/Release failed: 404/m, 'config', 'upstream has no such distribution'],
    [
      null,
      /^\[GNUPG:\] (NO_PUBKEY|EXPKEYSIG|REVKEYSIG) .*|^.*(file missing|is not signed)\.$/m,
      'auth',
      'not signed by a key of the keyring',
    ],
    [null, /^mirror: refused the path .*/m, 'transfer', 'an index names a file outside of its repository'],
    [null, /^\S+ signature does not verify/m, 'transfer', 'an index is not what was signed'],
    [null, /^\S+ failed checksum verification/m, 'transfer', 'files are not what their index says'],
    [null, /^Download of \S+ failed/m, 'transfer', 'upstream lacks files that its index names'],
    [
      null,
      /Permission denied|^You need write permissions|you lack proper permissions/m,
      'io',
      'local trouble',
    ],
    [[126, 127], null, 'config', 'debmirror cannot be run'],
  ],
  neverStarted: [],
  explains: [/^Failed /, /^rsync: /, 'last'],
  transfer: parseFigures,
};

/** The last line but for why debmirror died, which the configuration that we write makes it print. */
function parseFigures(output: string): Transfer | null {
  const [, files, bytes] = /^mirror: fetched (\d+) files, (\d+) bytes$/m.exec(output.slice(-4000)) ?? [];
  if (files === undefined) return null;
  return figures({
    transferred_files: Number(files),
    transferred_bytes: Number(bytes),
    received_bytes: Number(bytes),
    // It is told to delete nothing.
    deleted: 0,
  });
}

/** A line of `debmirror --dry-run --verbose`; the indexes are fetched all the same, and are not counted. rsync names files alone. */
export function debmirrorLine(line: string): DryLine | null {
  const [, gone] = /^deleting (?!\.temp\/)(.+)$/.exec(line) ?? [];
  if (gone !== undefined) return { kind: 'delete', bytes: null };
  const [path] = /(?<=^\[[ \d]+%\] Getting: )(?!dists\/).+(?=\.\.\. ok$)|^pool\/.*[^/]$/.exec(line) ?? [];
  return path === undefined ? null : { kind: 'add', bytes: null };
}
