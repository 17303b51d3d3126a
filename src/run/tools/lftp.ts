import type { Transfer } from '../../state/package-state.js';
import { figures } from '../figures.js';
import { OK } from './table.js';
import type { ToolTable } from './table.js';

/**
 * lftp says everything with exit 1, so its words decide. What it says of itself begins with the name of its command
 * (`mirror: `, `cd: `); upstream's own words follow `Access failed: ` or `Login failed: `.
 * `accept_exit` can so allow no more than single files that upstream does not give.
 */
export const lftp: ToolTable = {
  name: 'lftp',
  never: [
    [
      null,
      /^\w+: (?!(Access|Login) failed).*(No space left on device|Disk quota exceeded)/m,
      'space',
      'no space left',
    ],
    [
      [0],
      /^mirror: the listing is held against dst$(?=[^]*^(Transferring file|Making symbolic link) `)/m,
      'transfer',
      'dst lacks files that upstream lists',
    ],
    [[0], /^\d+ errors? detected/m, 'transfer', 'some files were not transferred'],
    [null, /^\w+: Login failed/m, 'auth', 'refused by upstream'],
    [
      null,
      /Fatal error: (Certificate verification|certificate)/m,
      'auth',
      "upstream's certificate is not trusted",
    ],
    [null, /Access failed: (42\d|45\d|429|500|502|503|504)\b/, 'unavailable', 'upstream has no time'],
    [
      null,
      /^(cd|open): .*not supported: 405\b/im,
      'config',
      'upstream does not answer HEAD, which lftp needs: its http server cannot be a source of this method',
    ],
    [null, /^(cd|open): Access failed/m, 'auth', 'upstream has no such directory, or does not show it'],
    [
      null,
      /^\w+: .*(Name or service not known|name resolution|No address associated|address family)/m,
      'unavailable',
      'upstream has no address',
    ],
    [null, /Fatal error:/, 'unavailable', 'connection to upstream failed'],
    [
      null,
      /^\w+: (?!(Access|Login) failed).*(Permission denied|Read-only file system|Input\/output error)$/m,
      'io',
      'local trouble',
    ],
    [null, /^\/.*: No such file or directory/m, 'config', 'lftp misses a file'],
    [null, /^(set|source|Usage): ?/m, 'config', 'lftp does not take these settings'],
  ],
  rows: [
    OK,
    // All that lftp says of a listing that is cut. With the line's end, so that the line itself is not shown.
    [null, /^mirror: ?\n/m, 'transfer', 'upstream broke off in the middle of a listing'],
    [null, /^\d+ errors? detected|^mirror: /m, 'transfer', 'some files were not transferred'],
    [[126, 127], null, 'config', 'lftp cannot be run'],
  ],
  neverStarted: [],
  // None: a page that is no list of files, or an upstream that lost them. It has no words for a tree without directories
  // in which nothing is new.
  lists: (output) => {
    const total = totalOf(output);
    return total === null ? null : (total[1] ?? 0) + (total[2] ?? 0) > 0;
  },
  // `mirror: ` alone is what is left of an answer that was cut.
  explains: [/^(mirror|cd|open|set|source): ./, 'last'],
  transfer: parseLftpStats,
};

/** Reads what `mirror --verbose` prints at its end; the last of each line counts. */
function parseLftpStats(output: string): Transfer | null {
  const total = totalOf(output);
  const moved = ['New', 'Modified'].map((word) =>
    numbers(output, new RegExp(`^${word}: (\\d+) files?, (\\d+) symlinks?$`, 'gm')),
  );
  const bytes = numbers(output, /^(\d+) bytes? transferred/gm)?.[0];
  // Of a tree without directories it tells only what is new.
  if (total === null && bytes === undefined) return null;
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  return figures({
    files: total === null ? null : sum(total),
    transferred_files: sum(moved.flatMap((counts) => counts ?? [])),
    transferred_bytes: bytes ?? 0,
  });
}

/** Directories, files and links of upstream's tree. */
function totalOf(output: string): number[] | null {
  return numbers(output, /^Total: (\d+) director(?:y|ies), (\d+) files?, (\d+) symlinks?$/gm);
}

function numbers(output: string, pattern: RegExp): number[] | null {
  return [...output.matchAll(pattern)].at(-1)?.slice(1).map(Number) ?? null;
}
