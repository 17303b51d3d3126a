import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isNeverUpstream } from '../../../job/never-upstream.js';
import { unlessGone } from '../../../system/if-there.js';

/**
 * Files below a directory, or below `path` in it, relative to the directory; links are not followed, and are no files.
 * What is never upstream's is left out.
 */
export function filesBelow(directory: string, path: string): string[] {
  const entries = unlessGone(() => readdirSync(join(directory, path), { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) => {
    const file = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory()) return isNeverUpstream(file) ? [] : filesBelow(directory, file);
    return entry.isFile() ? [file] : [];
  });
}
