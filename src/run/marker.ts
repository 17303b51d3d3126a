import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { syncDirectory } from '../system/atomic.js';

/** Makes the directory into which a probe fetches the marker, empty: what an earlier run left proves nothing now. */
export function emptyMarkerDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
}

/**
 * Puts the marker that was fetched before the pass into dst, atomically and with its time. False when the probe fetched
 * none: dst's marker is upstream's already, or upstream has none.
 */
export function installMarker(directory: string, marker: string, dst: string): boolean {
  const fetched = join(directory, basename(marker));
  const stat = lstatSync(fetched, { throwIfNoEntry: false });
  if (!stat?.isFile()) return false;
  const target = join(dst, marker);
  mkdirSync(dirname(target), { recursive: true });
  const temporary = freeBeside(target);
  copyFileSync(fetched, temporary, constants.COPYFILE_EXCL);
  const fd = openSync(temporary, 'r+');
  try {
    futimesSync(fd, stat.atimeMs / 1000, stat.mtimeMs / 1000);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, target);
  syncDirectory(dirname(target));
  return true;
}

/**
 * Where a file of dst is made before it takes its place. The same name each time, so that what a killed run left goes:
 * here, or with the main pass.
 */
export function freeBeside(target: string): string {
  const path = join(dirname(target), `.${basename(target)}.mirror-new`);
  rmSync(path, { force: true });
  return path;
}
