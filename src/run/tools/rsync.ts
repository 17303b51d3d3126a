import { listsFiles, parseRsyncStats } from './rsync-stats.js';
import { OK } from './table.js';
import type { ToolTable } from './table.js';

/** rsync deletes nothing when it could not read everything. */
const SKIPPED = '\nIO error encountered -- skipping file deletion';

/** Exit codes are those of rsync(1) 3.x. */
export const rsync: ToolTable = {
  name: 'rsync',
  never: [
    // rsync reports 23 or 24 rather than 25 when files were also missing; the guard tripped all the same.
    [null, /^Deletions stopped due to --max-delete limit/m, 'blocked', 'the delete guard stopped deletions'],
    [[25], null, 'blocked', 'the delete guard stopped deletions'],
    [
      null,
      /^rsync: (?!\[sender\]).*(No space left on device|Disk quota exceeded)/m,
      'space',
      'no space left',
    ],
  ],
  rows: [
    OK,
    [[24], null, 'partial', 'files vanished upstream during the transfer'],
    // What a daemon refuses with ends the connection; rsync may have asked for a password on the same line.
    [[5], /^(Password: )?@ERROR: (auth failed|access denied|Unknown module)/m, 'auth', 'refused by upstream'],
    [[5], /^(Password: )?@ERROR/m, 'unavailable', 'upstream did not start the transfer'],
    [[5], /^.*(password file|server requested a password)/im, 'auth', 'password trouble'],
    [[5], null, 'unavailable', 'upstream did not start the transfer'],
    [[12, 255], /^(\S+: Permission denied \(|Host key verification failed)/m, 'auth', 'refused by ssh'],
    [[10, 12, 30, 35, 255], null, 'unavailable', 'connection to upstream failed'],
    [[1, 2, 4], null, 'config', 'rsync does not take these arguments, or upstream is too different'],
    [[3, 11, 14, 22], null, 'io', 'local trouble'],
    [[20], null, 'interrupted', 'rsync was told to stop'],
    [
      [23],
      /^rsync: \[(receiver|generator)\].*(Permission denied|Operation not permitted|Read-only file system)/im,
      'dst',
      'no permission in dst',
    ],
    [[23], null, 'transfer', 'some files were not transferred'],
    [[126, 127], null, 'config', 'rsync cannot be run'],
  ],
  neverStarted: [1, 2, 4, 5, 10, 35],
  // None: a module over a disk that is not mounted, or patterns that leave out all of it.
  lists: listsFiles,
  explains: [
    /^ssh: /,
    /^could not make way for /,
    // The end of a connection is what follows from another message, if there is one.
    /^(receiving file list \.\.\. )?rsync: (?!connection unexpectedly closed|\[\w+\] (read|write) error: )/,
    /^rsync: /,
    /^cannot delete non-empty directory: /,
  ],
  omissions: async (output) => {
    if (!output.includes(SKIPPED)) return [];
    const { omission } = await import('../special/index.js');
    return omission('deletions', { count: null, why: 'rsync could not read all of upstream' });
  },
  transfer: parseRsyncStats,
};
