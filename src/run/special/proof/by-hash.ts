import { linkSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lstatIfThere, unlessGone } from '../../../system/if-there.js';
import type { Release } from './apt-release.js';
import { filesBelow } from './tree.js';

/** How many generations of an index can be had by their digests: the one that is published, and those before it. */
const GENERATIONS = 3;

/**
 * Links each file of a held index under its digest, where the Release file says that clients may ask for it so
 * (Acquire-By-Hash). A client that has read the Release file of before still finds the index that it names.
 */
export function linkByHash(at: string, release: Release): void {
  const { byHash } = release;
  if (byHash === null) return;
  for (const file of filesBelow(at, '')) {
    const expected = release.files.get(file);
    if (expected?.algorithm !== byHash.toLowerCase()) continue;
    const link = join(at, dirname(file), 'by-hash', byHash, expected.digest);
    mkdirSync(dirname(link), { recursive: true });
    if (lstatIfThere(link) === null) linkSync(join(at, file), link);
  }
}

/**
 * Files by digest below `dists` of dst, relative to dst, that are older than the last generations. The inode of a file
 * changes last when the next generation takes its place, so that time orders them.
 */
export function outdatedByHash(dst: string, held: ReadonlySet<string>): string[] {
  const folders = new Map<string, string[]>();
  for (const path of filesBelow(dst, 'dists')) {
    if (!isByHash(path)) continue;
    const folder = dirname(path);
    folders.set(folder, [...(folders.get(folder) ?? []), path]);
  }
  return [...folders].flatMap(([folder, paths]) => {
    const index = dirname(dirname(folder));
    const kept = (GENERATIONS - 1) * Math.max(1, countFiles(join(dst, index)));
    const old = paths.filter((path) => !held.has(path));
    // An index that is gone has no readers.
    if (![...held].some((path) => dirname(path) === index)) return old;
    const changed = new Map(old.map((path) => [path, lstatSync(join(dst, path)).ctimeMs]));
    return old.sort((a, b) => (changed.get(b) ?? 0) - (changed.get(a) ?? 0)).slice(kept);
  });
}

export function isByHash(path: string): boolean {
  return /^dists\/.*\/by-hash\/[^/]+\/[^/]+$/.test(path);
}

function countFiles(directory: string): number {
  const entries = unlessGone(() => readdirSync(directory, { withFileTypes: true })) ?? [];
  return entries.filter((entry) => entry.isFile()).length;
}
