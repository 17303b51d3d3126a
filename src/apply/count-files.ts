import type { Reader } from '../system/system.js';

/** Files below a directory, counted up to `limit`; directories themselves do not count. */
export function countFiles(system: Reader, directory: string, limit: number): number {
  let count = 0;
  const waiting = [directory];
  // Directories are bounded as well: a tree of empty ones must not be walked for ever.
  for (let visited = 0; waiting.length > 0 && count < limit && visited < limit; visited += 1) {
    const path = waiting.pop() ?? '';
    for (const { name, kind } of system.list(path, limit - count)) {
      if (kind === 'directory') waiting.push(`${path}/${name}`);
      else count += 1;
    }
  }
  return count;
}
