import { opendirSync } from 'node:fs';
import type { Dirent } from 'node:fs';

/** Names that a directory of mirror's own may have: many times what the largest site has. */
const MOST_NAMES = 100_000;

/**
 * Returns the entries of a directory into which another user may have put any number of names, in no order; empty when
 * there is no directory, null when it has more than `limit` names: reading millions of them takes all memory. Throws the
 * system's error otherwise.
 */
export function readEntries(path: string, limit = MOST_NAMES): Dirent[] | null {
  const entries: Dirent[] = [];
  let directory;
  try {
    directory = opendirSync(path, { bufferSize: 1024 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      if (entries.length === limit) return null;
      entries.push(entry);
    }
    return entries;
  } finally {
    directory.closeSync();
  }
}
