import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unlessGone } from '../../../system/if-there.js';

/** Files below a directory, or below `path` in it, relative to the directory; links are not followed, and are no files. */
export function filesBelow(directory: string, path: string): string[] {
  const entries = unlessGone(() => readdirSync(join(directory, path), { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) => {
    const file = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(directory, file);
    return entry.isFile() ? [file] : [];
  });
}
