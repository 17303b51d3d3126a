import { readFileSync, unlinkSync } from 'node:fs';

/** A file's text, or null when there is no such file. Throws any other error of the system. */
export function readIfThere(path: string): string | null {
  return unlessGone(() => readFileSync(path, 'utf8'));
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
