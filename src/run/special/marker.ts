import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openToRead, UnfitFile } from '../../boundary/regular-file.js';
import { syncDirectory } from '../../system/atomic.js';
import { unlessGone } from '../../system/if-there.js';

/**
 * Puts the marker that was fetched before the pass into dst, atomically and with its time. False when the probe fetched
 * none: dst's marker is upstream's already, or upstream has none.
 */
export function installMarker(directory: string, marker: string, dst: string): boolean {
  const fetched = openFetched(join(directory, basename(marker)));
  if (fetched === null) return false;
  const target = join(dst, marker);
  const temporary = freeBeside(target);
  try {
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(`/proc/self/fd/${String(fetched)}`, temporary, constants.COPYFILE_EXCL);
    copyTime(fetched, temporary);
  } finally {
    closeSync(fetched);
  }
  renameSync(temporary, target);
  syncDirectory(dirname(target));
  return true;
}

/** Null when the probe fetched no regular file. */
function openFetched(path: string): number | null {
  try {
    return unlessGone(() => openToRead(path));
  } catch (error) {
    if (error instanceof UnfitFile) return null;
    throw error;
  }
}

function copyTime(from: number, to: string): void {
  const { atimeMs, mtimeMs } = fstatSync(from);
  const fd = openSync(to, 'r+');
  try {
    futimesSync(fd, atimeMs / 1000, mtimeMs / 1000);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Where a file of dst is made before it takes its place. The same name each time, so that what a killed run left goes:
 * here, or with the main pass.
 */
export function freeBeside(target: string): string {
  const path = join(dirname(target), `.${basename(target)}.mirror-new`);
  rmSync(path, { recursive: true, force: true });
  return path;
}
