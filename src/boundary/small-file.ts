import { closeSync, constants, fstatSync, readSync } from 'node:fs';
import { openRegularFile, UnfitFile } from './regular-file.js';

export { UnfitFile } from './regular-file.js';

/** What a small file may be. */
export interface SmallFileRules {
  /** Largest size in bytes; a file that is larger, or grows beyond it while it is read, is refused. */
  readonly limitBytes: number;
  /** Users that may own the file; everyone when absent. */
  readonly owners?: readonly number[];
  /** Follow a link in the last name; only for paths that the operator named. Default false. */
  readonly followLink?: true | undefined;
}

/**
 * Returns the bytes of a small regular file that another user, a tool or an upstream could have put at `path`, or null if
 * nothing is there. Never follows a link in the last name (unless the rules say so), never waits (a FIFO, a device or a
 * socket is refused at once), never reads more than the limit. Throws UnfitFile, or the system's error.
 */
export function readSmallFile(path: string, rules: SmallFileRules): Buffer | null {
  const fd = openIfThere(path, rules);
  if (fd === null) return null;
  try {
    const stat = fstatSync(fd);
    if (rules.owners && !rules.owners.includes(stat.uid))
      throw new UnfitFile(path, 'foreign owner', `belongs to uid ${String(stat.uid)}`);
    return readOpened(fd, path, rules.limitBytes, stat.size);
  } finally {
    closeSync(fd);
  }
}

/** The same as text in UTF-8; null if nothing is there. */
export function readSmallText(path: string, rules: SmallFileRules): string | null {
  return readSmallFile(path, rules)?.toString('utf8') ?? null;
}

function openIfThere(path: string, { followLink }: SmallFileRules): number | null {
  try {
    return openRegularFile(path, constants.O_RDONLY, { followLink });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/**
 * Returns the bytes of an open regular file from where it stands; `path` is for the error. Throws UnfitFile when it is larger
 * than the limit, or the system's error.
 */
export function readOpened(fd: number, path: string, limitBytes: number, size = fstatSync(fd).size): Buffer {
  if (size > limitBytes) throw tooLarge(path, limitBytes);
  // One byte more than expected, to notice the end in the same call; a file that grows meanwhile is read on.
  let buffer = Buffer.allocUnsafe(Math.min(size, limitBytes) + 1);
  let length = 0;
  for (;;) {
    const read = readPart(fd, buffer, length, null);
    length += read;
    if (read === 0) return buffer.subarray(0, length);
    if (length > limitBytes) throw tooLarge(path, limitBytes);
    if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(2 * length, limitBytes + 1));
  }
}

/**
 * Reads an open file from byte `at` on until the buffer is full or the file ends; returns how many bytes there were. One
 * read of the system may be only a part of that. Throws the system's error.
 */
export function readAt(fd: number, buffer: Buffer, at: number): number {
  let length = 0;
  while (length < buffer.length) {
    const read = readPart(fd, buffer, length, at + length);
    if (read === 0) break;
    length += read;
  }
  return length;
}

/**
 * One read(2) into `buffer` from `offset` on, of the file from byte `position` or from where it stands. It is repeated when a
 * signal interrupted it: libuv repeats other calls, not this one. Returns how many bytes there were; throws the system's error.
 */
export function readPart(fd: number, buffer: Buffer, offset = 0, position: number | null = null): number {
  for (;;) {
    try {
      return readSync(fd, buffer, offset, buffer.length - offset, position);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error;
    }
  }
}

function tooLarge(path: string, limitBytes: number): UnfitFile {
  return new UnfitFile(path, 'too large', `is larger than ${String(limitBytes)} bytes`);
}
