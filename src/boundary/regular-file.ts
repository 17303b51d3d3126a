import { closeSync, constants, fstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';

const { O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_RDONLY } = constants;

/** Opens only the name of a file, without a right to read it: no device or FIFO notices. Linux's value; Node does not name it. */
export const O_PATH = 0o10000000;

/** Why a path that another user or an upstream could have made is not opened or read. */
export type Unfit = 'link' | 'directory' | 'special file' | 'too large' | 'foreign owner' | 'elsewhere';

/** The one error of this folder's functions beside the system's own: what lies at `path` is not used. */
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

/** How a regular file is opened. */
export interface OpenRules {
  /** Mode of a file that `O_CREAT` makes; default 0600. */
  readonly mode?: number;
  /** Follow a link in the last name; only for paths that the operator named. Default false. */
  readonly followLink?: true | undefined;
}

/**
 * Opens a regular file at a path where another user, a tool or an upstream could have put something else, with these
 * flags of open(2). Never follows a link in the last name (unless the rules say so) and never waits: a FIFO, a device or a
 * socket is refused at once. Returns the descriptor. Throws UnfitFile, or the system's error.
 */
export function openRegularFile(
  path: string | Buffer,
  flags: number,
  { mode, followLink }: OpenRules = {},
): number {
  let fd: number;
  try {
    const safe = O_NONBLOCK | O_NOCTTY | (followLink ? 0 : O_NOFOLLOW);
    fd = openSync(path, flags | safe, mode ?? 0o600);
  } catch (error) {
    throw unfitFor(String(path), error as NodeJS.ErrnoException, followLink) ?? error;
  }
  return checked(fd, String(path));
}

/** Opens a regular file for reading, as `openRegularFile` does. */
export function openToRead(path: string | Buffer): number {
  return openRegularFile(path, O_RDONLY);
}

/**
 * Opens for reading a regular file that really lies below one of these directories, whatever links lead to it. Throws
 * UnfitFile, or the system's error.
 */
export function openFileBelow(path: string, directories: readonly string[]): number {
  const name = openSync(path, O_PATH);
  try {
    const real = readlinkSync(`/proc/self/fd/${String(name)}`);
    if (!directories.some((directory) => isBelow(real, directory)))
      throw new UnfitFile(path, 'elsewhere', `does not lie below ${directories.join(' or ')}`);
    checkKind(name, path);
    return openSync(`/proc/self/fd/${String(name)}`, O_RDONLY);
  } finally {
    closeSync(name);
  }
}

function isBelow(real: string, directory: string): boolean {
  try {
    return real.startsWith(`${realpathSync.native(directory).replace(/\/$/, '')}/`);
  } catch {
    // A directory that is missing has no files.
    return false;
  }
}

function checked(fd: number, path: string): number {
  try {
    checkKind(fd, path);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function checkKind(fd: number, path: string): void {
  const stat = fstatSync(fd);
  if (stat.isDirectory()) throw isDirectory(path);
  if (!stat.isFile()) throw isSpecial(path);
}

/** What the system's refusal to open says of the kind of file, or null. */
function unfitFor(path: string, { code }: NodeJS.ErrnoException, followLink?: true): UnfitFile | null {
  if (code === 'ELOOP' && !followLink) return new UnfitFile(path, 'link', 'is a link, which is not followed');
  if (code === 'EISDIR') return isDirectory(path);
  // A socket, a FIFO that is read by no process, or a device without a driver.
  return code === 'ENXIO' || code === 'ENODEV' ? isSpecial(path) : null;
}

function isDirectory(path: string): UnfitFile {
  return new UnfitFile(path, 'directory', 'is a directory');
}

function isSpecial(path: string): UnfitFile {
  return new UnfitFile(path, 'special file', 'is not a regular file');
}
