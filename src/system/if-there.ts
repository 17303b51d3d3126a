import { lstatSync, unlinkSync } from 'node:fs';
import type { Stats } from 'node:fs';

/** What lies at a path, or null; no link in the last name is followed. Throws the system's error when it cannot tell. */
export function lstatIfThere(path: string | Buffer): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Something else may have taken the place of a directory on the way.
    if (['ENOENT', 'ENOTDIR'].includes(code)) return null;
    throw error;
  }
}

/** Whether anything lies at a path, of whatever kind; no link is followed. Throws the system's error when it cannot tell. */
export function isThere(path: string): boolean {
  return lstatIfThere(path) !== null;
}

/** Whether a directory lies at a path, and no link to one. Throws the system's error when it cannot tell. */
export function isDirectoryThere(path: string | Buffer): boolean {
  return lstatIfThere(path)?.isDirectory() === true;
}

/** Unlinks a file; false when there is none. Throws any other error of the system. */
export function removeIfThere(path: string): boolean {
  return unlessGone(() => (unlinkSync(path), true)) ?? false;
}

/** Unlinks a file that may be gone, or somebody else's: whoever comes next tries again. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is only litter.
  }
}

/** What an action gives, or null when the system says that its file is not there. Throws any other error. */
export function unlessGone<T>(action: () => T): T | null {
  try {
    return action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
