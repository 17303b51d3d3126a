import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { lstatIfThere, unlessGone } from '../../../system/if-there.js';
import type { LogFile } from '../../log-file.js';

/** Directories of a bare repository in which git locks files; those below `refs` are searched at every level. */
const PLACES = ['', 'objects/info', 'objects/info/commit-graphs', 'objects/pack'];

/**
 * Removes the lock files of a bare repository that are older than `began` (epoch ms). The caller holds the package's run
 * lock, so no git of ours works there, and each of them was left by one that was killed, or by a power cut.
 */
export function removeStaleLocks(directory: string, began: number, log: LogFile): void {
  const found = [...PLACES.flatMap((place) => locksIn(directory, place)), ...locksBelow(directory, 'refs')];
  for (const name of found) {
    const path = join(directory, name);
    const stat = lstatIfThere(path);
    if (!stat?.isFile() || stat.mtimeMs >= began) continue;
    unlinkSync(path);
    log.note('WARNING', `removed ${path}: the git that made it was killed`);
  }
}

function locksIn(directory: string, place: string): string[] {
  const names = unlessGone(() => readdirSync(join(directory, place))) ?? [];
  return names.filter((name) => name.endsWith('.lock')).map((name) => join(place, name));
}

function locksBelow(directory: string, place: string): string[] {
  const entries = unlessGone(() => readdirSync(join(directory, place), { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) => {
    const name = join(place, entry.name);
    if (entry.isDirectory()) return locksBelow(directory, name);
    return entry.name.endsWith('.lock') ? [name] : [];
  });
}
