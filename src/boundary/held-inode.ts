import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isRoot } from './as-user.js';
import { forgetSteadiness, UnfitPlace, walkToName } from './held-path.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Directories that this process made, as `device:inode`: another user may have put something else in their place. */
const made = new Map<string, string>();

/**
 * Changes owner or mode of the file or directory at `path`, never of what a link there leads to. Where another user can
 * write, only of a directory that this process made: anything else could be root's own, moved or linked there under this
 * name. Throws UnfitPlace, or the system's error.
 */
export function changeInode(path: string, change: { readonly owner?: Owner; readonly mode?: number }): void {
  walkToName(path, ({ held, isSteady }) => {
    const kind = lstatSync(held).isDirectory() ? O_DIRECTORY : O_NONBLOCK;
    const fd = openSync(held, O_RDONLY | O_NOFOLLOW | kind);
    try {
      const { dev, ino } = fstatSync(fd);
      if (!isSteady && made.get(path) !== `${String(dev)}:${String(ino)}`)
        throw new UnfitPlace(path, 'lies where another user could have put it, so its owner and mode stay');
      if (change.owner) fchownSync(fd, change.owner.uid, change.owner.gid);
      if (change.mode !== undefined) fchmodSync(fd, change.mode);
    } finally {
      closeSync(fd);
    }
  });
  forgetSteadiness();
}

/**
 * Makes one directory with exactly this mode, whatever the umask. An existing directory stays as it is. Throws the system's
 * error, also if something else is there.
 */
export function makeHeldDirectory(path: string, mode: number): void {
  walkToName(path, ({ held, isSteady }) => {
    try {
      mkdirSync(held, 0o700);
    } catch (error) {
      const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
      if (isThere && lstatSync(held, { throwIfNoEntry: false })?.isDirectory()) return;
      throw error;
    }
    const fd = openSync(held, O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
    try {
      const { dev, ino, uid } = fstatSync(fd);
      const isOurs = uid === process.geteuid?.() && readdirSync(`/proc/self/fd/${String(fd)}`).length === 0;
      if (!isSteady && !isOurs) throw new UnfitPlace(path, 'was replaced while it was made');
      made.set(path, `${String(dev)}:${String(ino)}`);
      fchmodSync(fd, mode);
    } finally {
      closeSync(fd);
    }
  });
  forgetSteadiness();
}

/**
 * Opens a lock file for flock(2) in a directory that another user can write; a missing one is made and given to the
 * directory's owner, for its other lockers. Changes nothing about a file that is there. Throws the system's error.
 */
export function openForeignLock(path: string): number {
  return walkToName(path, ({ held }) => {
    const fd = openOrMake(held);
    const stat = fstatSync(fd);
    if (stat.isFile() && stat.nlink === 1) return fd;
    closeSync(fd);
    throw new UnfitPlace(path, 'is not a lock file: move it away');
  });
}

function openOrMake(held: string): number {
  try {
    return openSync(held, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const fd = openSync(held, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  const { uid, gid } = lstatSync(`${dirname(held)}/.`);
  if (isRoot()) fchownSync(fd, uid, gid);
  fchmodSync(fd, 0o664);
  return fd;
}
