import type { Transfer } from '../../state/package-state.js';
import { figures } from '../figures.js';
import { OK, REDIRECTED } from './table.js';
import type { ToolTable } from './table.js';

/**
 * git says everything with exit 128, so its words decide. What upstream's side prints begins with `remote: ` and decides
 * nothing, but for a `fatal: remote error: ` and for the words by which git's own server says that it cannot read its objects.
 * `accept_exit` decides where no words do.
 */
export const git: ToolTable = {
  name: 'git',
  never: [
    [
      null,
      /^(?!remote: ).*(No space left on device|Disk quota exceeded|disk quota exceeded)/m,
      'space',
      'no space left',
    ],
    [[0], /^(error|fatal): (?!.*auto.?(gc|maintenance))/m, 'transfer', 'git names an error'],
    [[0], /^(warning: | ! \[)rejected\b/m, 'transfer', 'git did not take all refs'],
    [
      null,
      /^remote: fatal: .{0,300}( is corrupt|bad \w{1,6} object)|^remote: aborting due to possible repository corruption/m,
      'transfer',
      "upstream's repository is damaged",
    ],
    [
      null,
      /^fatal: (Authentication failed|could not read (Username|Password))|returned error: 40[13]\b/m,
      'auth',
      'refused by upstream',
    ],
    [null, /^\S+: Permission denied \(|^Host key verification failed/m, 'auth', 'refused by ssh'],
    [
      null,
      /certificate (problem|verification|verify)|SSL peer certificate|unable to get local issuer/,
      'auth',
      "upstream's certificate is not trusted",
    ],
    [
      null,
      /^fatal: (repository '.*' not found|'.*' does not appear to be a git repository|remote error: .*(not exported|not found|does not exist))|returned error: 404\b/m,
      'auth',
      'upstream has no such repository, or does not show it',
    ],
    [null, /^fatal: detected dubious ownership/m, 'config', 'a repository belongs to another user'],
    [
      null,
      /^fatal: (transport '.*' not allowed|unable to find remote helper)/m,
      'config',
      'git cannot use this URL',
    ],
    [null, /^fatal: unable to access .*127\.0\.0\.1 port 1 /m, 'unavailable', REDIRECTED],
    [
      null,
      /^fatal: unable to (access|connect|look up)|^ssh: |[Cc]onnection (refused|reset|closed|timed out)|early EOF|hung up|RPC failed|unexpected disconnect|Operation too slow|timed out|bad pack header|Could not read from remote/m,
      'unavailable',
      'connection to upstream failed',
    ],
    [null, /\.lock': File exists/, 'io', 'another git works there, or was killed there'],
    [
      null,
      /^(fatal: |error: |\/).*(Permission denied|Read-only file system|Input\/output error|insufficient permission)/m,
      'io',
      'local trouble',
    ],
    [
      null,
      /^(missing|broken link|error in|error: .*(corrupt|missing|invalid sha1|mismatch|packfile|object file))/m,
      'io',
      'the repository is damaged',
    ],
    [null, /^fatal: not a git repository/m, 'dst', 'there is no repository'],
    [[129], null, 'config', 'git does not take these arguments'],
    [[126, 127], null, 'config', 'git cannot be run'],
  ],
  rows: [OK, [null, /^(fatal|error): /m, 'transfer', 'git failed']],
  neverStarted: [],
  explains: [
    /^(fatal|error): (?!Could not read from remote)/,
    /^ssh: |^\/.*: /,
    /^(missing|broken link)/,
    /^fatal: /,
    'last',
  ],
  transfer: parseGitProgress,
};

const UNIT: Readonly<Record<string, number>> = { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** What `fetch --progress` tells: bytes received. */
function parseGitProgress(output: string): Transfer | null {
  const packs = [
    ...output.matchAll(
      /(?:Receiving|Unpacking) objects: 100% [^,\r\n]{0,60}, ([\d.]{1,20}) (bytes|[KMG]iB)(?: \|[^,\r\n]{0,60})?, done/g,
    ),
  ];
  if (packs.length === 0) return null;
  const bytes = Math.round(
    packs.reduce((sum, [, number, unit]) => sum + Number(number) * (UNIT[unit ?? ''] ?? 1), 0),
  );
  return figures({ transferred_bytes: bytes, received_bytes: bytes });
}
