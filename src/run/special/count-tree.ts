import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { lstatIfThere } from '../../system/if-there.js';
import { FILE_SYSTEMS_OWN } from '../../job/never-upstream.js';
import { bytes, latin1 } from './names.js';

/**
 * Paths that go when `path` is deleted: itself and all below it, parents first. Paths are relative to `dst`, one character a
 * byte. Empty when nothing is there. No link is followed, and what is never upstream's does not count.
 */
export function countTree(dst: string, path: string): string[] {
  const stat = lstatIfThere(below(dst, path));
  if (stat === null) return [];
  const found = [path];
  const left = stat.isDirectory() ? [path] : [];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    for (const entry of readdirSync(below(dst, at), { withFileTypes: true, encoding: 'latin1' })) {
      if (entry.isDirectory() && FILE_SYSTEMS_OWN.includes(entry.name)) continue;
      found.push(`${at}/${entry.name}`);
      if (entry.isDirectory()) left.push(`${at}/${entry.name}`);
    }
  }
  return found;
}

/** Deletes what `countTree` names. A directory that holds what is never upstream's stays. */
export function removeTree(dst: string, path: string): void {
  for (const each of countTree(dst, path).reverse()) {
    const full = below(dst, each);
    if (!lstatSync(full).isDirectory()) unlinkSync(full);
    else removeEmpty(full);
  }
}

/** The same path for the system. */
export function below(dst: string, path: string): Buffer {
  return bytes(join(latin1(dst), path));
}

function removeEmpty(directory: Buffer): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
