import { accessSync, constants, statfsSync } from 'node:fs';

/** What a run needs on the disks of its state and its log to record how it ended; a twentieth of a disk suffices. */
const NEEDED_BYTES = 16 * 2 ** 20;
const NEEDED_FILES = 100;

/**
 * Says why a run could not record there how it ended: no room or no inodes for ordinary users, or a disk that may not be
 * written. Null when it could. Writes nothing.
 */
export function lackOfRoom(directory: string): string | null {
  try {
    accessSync(directory, constants.W_OK);
  } catch (error) {
    // A reader without the right to write cannot tell, which is no trouble of the disk's.
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') return (error as Error).message;
  }
  const { bavail, blocks, bsize, files, ffree } = statfsSync(directory);
  if (bavail < Math.min(NEEDED_BYTES / bsize, blocks / 20)) {
    return `${((bavail * bsize) / 2 ** 20).toFixed(1)} MiB free at ${directory}, too little to record a run`;
  }
  // btrfs counts no inodes.
  if (files > 0 && ffree < Math.min(NEEDED_FILES, files / 20)) {
    return `${String(ffree)} inodes free at ${directory}, too few to record a run`;
  }
  return null;
}
