import { closeSync, constants, fchmodSync } from 'node:fs';
import { openRegularFile, openToRead } from '../boundary/regular-file.js';

/** A kernel lock that lives as long as any process holds the descriptor: ours, and every child it is handed to. */
export interface Lock {
  readonly fd: number;
  release(): void;
}

/**
 * Takes an exclusive flock(2) on a file that is created if missing and never unlinked (unlinking a lock file lets two
 * owners in). Node has no flock, so flock(1) locks the descriptor it inherits; the lock belongs to the open file
 * description and stays with us. Waits up to `wait` seconds (default 0); null when somebody else holds it.
 * Throws when the file cannot be opened, when something else lies in its place (UnfitFile), or flock(1) is missing.
 */
export function tryLock(path: string, wait = 0): Lock | null {
  return lockDescriptor(openLock(path), path, wait);
}

/** The same for a file that is open; closes it unless the lock is taken. `path` is for its error. */
export function lockDescriptor(fd: number, path: string, wait = 0): Lock | null {
  const args = wait > 0 ? ['-w', String(wait)] : ['-n'];
  // Loaded here: a run that is not due, which most are where ticks are finer than slots, is over before it locks.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const result = spawnSync('flock', [...args, '-E', '75', '3'], {
    // Nothing of a locale: loading one takes flock(1) longer than locking.
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'ignore', 'pipe', fd],
  });
  if (result.status === 0) return { fd, release: () => closeSync(fd) };
  closeSync(fd);
  if (result.status === 75) return null;
  throw result.error ?? new Error(`flock ${path}: ${result.stderr.toString().trim()}`);
}

/** Whether somebody holds the lock right now. Takes it for a moment: lockers that matter wait a little (`wait`). */
export function isLocked(path: string): boolean {
  const lock = tryLock(path);
  lock?.release();
  return lock === null;
}

/** A file of another user's can be locked, too, if it can be read: a lock needs no right to write. */
function openLock(path: string): number {
  const { O_CREAT, O_RDWR } = constants;
  let fd: number;
  try {
    fd = openRegularFile(path, O_RDWR | O_CREAT, { mode: 0o664 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EROFS') throw error;
    try {
      return openToRead(path);
    } catch {
      throw error;
    }
  }
  try {
    fchmodSync(fd, 0o664);
  } catch {
    // Somebody else's file; it was made group-writable when it was created.
  }
  return fd;
}
