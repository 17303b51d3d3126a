import { closeSync, constants, fchmodSync, fchownSync, lstatSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Owner } from './system.js';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/**
 * Calls `use` with a path to the same thing that goes through an open handle of its directory. Root writes into
 * directories that belong to the mirror user: between a check and a write he could put a link to somewhere else in a
 * directory's place, but he cannot move a handle. A directory that is a link counts only if the link is root's or ours.
 */
export function inHeldDirectory<T>(path: string, use: (path: string) => T): T {
  const directory = dirname(path);
  const fd = openDirectory(directory);
  const handle = `/proc/self/fd/${String(fd)}`;
  try {
    return use(`${handle}/${basename(path)}`);
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(handle, directory);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Changes owner or mode of what lies at `path`, never of what a link there leads to. */
export function changeInode(path: string, change: { readonly owner?: Owner; readonly mode?: number }): void {
  inHeldDirectory(path, (held) => {
    const fd = openSync(held, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      if (change.owner) fchownSync(fd, change.owner.uid, change.owner.gid);
      if (change.mode !== undefined) fchmodSync(fd, change.mode);
    } finally {
      closeSync(fd);
    }
  });
}

function openDirectory(path: string): number {
  try {
    return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isSymbolicLink()) throw error;
    if (stat.uid !== 0 && stat.uid !== process.geteuid?.())
      throw new Error(`${path} is a link of uid ${String(stat.uid)}, which is not followed`, {
        cause: error,
      });
    return openSync(path, O_RDONLY | O_DIRECTORY);
  }
}
