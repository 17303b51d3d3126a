import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Of an old file's mode, what a new one may keep: never a set-id bit, nor write for others. */
const KEPT_MODE = 0o775;

/**
 * Replaces a file so that a reader, or a machine that loses power, sees the old content or the new one, whole:
 * temporary file in the same directory, fsync, rename, fsync of the directory. `mode` also applies to an existing file;
 * without it the old file's mode and owner are kept (a web-served file keeps both), or 0644. What is kept is that of a
 * regular file with one name: a link, or a second name of a system's file, would lend the new file that one's rights.
 * Throws the system's error and leaves no temporary file behind.
 */
export function writeFileAtomic(path: string, content: string | Uint8Array, mode?: number): void {
  replaceFile(path, content, mode);
  syncDirectory(dirname(path));
}

/** The same without the directory's fsync: whole, but the old file may come back when power is lost before that. */
export function replaceFile(
  path: string,
  content: string | Uint8Array,
  mode?: number,
  owner?: { readonly uid: number; readonly gid: number },
): void {
  const temporary = join(dirname(path), `.${basename(path)}.${uniqueName()}.tmp`);
  const old = fileToReplace(path);
  const given = owner ?? old;
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    try {
      naming(path, () => writeFileSync(fd, content));
      if (given && process.getuid?.() === 0) fchownSync(fd, given.uid, given.gid);
      fchmodSync(fd, mode ?? (old ? old.mode & KEPT_MODE : 0o644));
      naming(path, () => fsyncSync(fd));
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
}

function fileToReplace(path: string): Stats | null {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() && stat.nlink === 1 ? stat : null;
}

/** Names the file in an error of what is done through a descriptor: on a full disk people look for it. */
export function naming<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Error && !('path' in error)) {
      Object.assign(error, { path });
      error.message += ` '${path}'`;
    }
    throw error;
  }
}

/** Makes renames and unlinks in a directory durable. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** 12 hexadecimal digits; O_EXCL sees to it that they are unique. Loading node:crypto costs a run 3 ms. */
function uniqueName(): string {
  return Math.floor(Math.random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0');
}
