import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Files below a directory, or below `path` in it, relative to the directory; links are not followed, and are no files. */
export function filesBelow(directory: string, path: string): string[] {
  return entries(join(directory, path)).flatMap((entry) => {
    const file = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(directory, file);
    return entry.isFile() ? [file] : [];
  });
}

function entries(path: string): { name: string; isDirectory(): boolean; isFile(): boolean }[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
