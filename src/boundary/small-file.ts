import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const { O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_RDONLY } = constants;

/** Why a path that another user or an upstream could have made does not hold a file that is read. */
export type Unfit = 'link' | 'directory' | 'special file' | 'too large' | 'foreign owner';

/** The one error of `readSmallFile` beside the system's own: what lies at `path` is not read. */
export class UnfitFile extends Error {
  /** Like an errno, so that callers which tell errors of files from bugs by their code see an error of a file. */
  readonly code = 'EUNFIT';

  constructor(
    readonly path: string,
    readonly unfit: Unfit,
    /** What is wrong, without the path: `is a link, which is not followed`. */
    readonly reason: string,
  ) {
    super(`${path} ${reason}`);
  }
}

/** What a small file may be. */
export interface SmallFileRules {
  /** Largest size in bytes; a file that is larger, or grows beyond it while it is read, is refused. */
  readonly limitBytes: number;
  /** Users that may own the file; everyone when absent. */
  readonly owners?: readonly number[];
  /** Follow a link in the last name; only for paths that the operator named. Default false. */
  readonly followLink?: true;
}

/**
 * Returns the bytes of a small regular file that another user, a tool or an upstream could have put at `path`, or null if
 * nothing is there. Never follows a link in the last name (unless the rules say so), never waits (a FIFO, a device or a
 * socket is refused at once), never reads more than the limit. Throws UnfitFile, or the system's error.
 */
export function readSmallFile(path: string, rules: SmallFileRules): Buffer | null {
  const fd = openWithoutWaiting(path, rules);
  if (fd === null) return null;
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new UnfitFile(path, 'directory', 'is a directory');
    if (!stat.isFile()) throw new UnfitFile(path, 'special file', 'is not a regular file');
    if (rules.owners && !rules.owners.includes(stat.uid))
      throw new UnfitFile(path, 'foreign owner', `belongs to uid ${String(stat.uid)}`);
    if (stat.size > rules.limitBytes) throw tooLarge(path, rules.limitBytes);
    return readAll(fd, path, stat.size, rules.limitBytes);
  } finally {
    closeSync(fd);
  }
}

/** The same as text in UTF-8; null if nothing is there. */
export function readSmallText(path: string, rules: SmallFileRules): string | null {
  return readSmallFile(path, rules)?.toString('utf8') ?? null;
}

function openWithoutWaiting(path: string, { followLink }: SmallFileRules): number | null {
  try {
    return openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | (followLink ? 0 : O_NOFOLLOW));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (code === 'ELOOP' && !followLink)
      throw new UnfitFile(path, 'link', 'is a link, which is not followed');
    // A socket, or a device without a driver.
    if (code === 'ENXIO' || code === 'ENODEV')
      throw new UnfitFile(path, 'special file', 'is not a regular file');
    throw error;
  }
}

/** Reads one byte more than expected, to notice the end in the same call; a file that grows meanwhile is read on. */
function readAll(fd: number, path: string, size: number, limitBytes: number): Buffer {
  let buffer = Buffer.allocUnsafe(Math.min(size, limitBytes) + 1);
  let length = 0;
  for (;;) {
    const read = readSync(fd, buffer, length, buffer.length - length, null);
    length += read;
    if (read === 0) return buffer.subarray(0, length);
    if (length > limitBytes) throw tooLarge(path, limitBytes);
    if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(2 * length, limitBytes + 1));
  }
}

function tooLarge(path: string, limitBytes: number): UnfitFile {
  return new UnfitFile(path, 'too large', `is larger than ${String(limitBytes)} bytes`);
}
