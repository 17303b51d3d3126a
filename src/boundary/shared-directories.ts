import { closeSync, constants, fchmodSync, fchownSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readEntries } from './directory-names.js';
import { openRegularFile } from './regular-file.js';

const { O_APPEND, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** Set-group-id and group-writable. */
const GROUP_BITS = 0o2070;

/** Which directories are opened: the place itself, those below it, or both. */
export type Opened = 'place' | 'folders' | 'both';

/**
 * Opens directories at and below `path` that belong to this process's user to a group, and returns those that it changed.
 * For a process of that user only: no link is followed, but other users may have put any directory there.
 */
export function openDirectories(path: string, gid: number, what: Opened): string[] {
  const opened: string[] = [];
  visit(path, path, what !== 'folders');
  return opened;

  function visit(held: string, name: string, isMeant: boolean): void {
    let fd: number;
    try {
      fd = openSync(held, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    } catch {
      return;
    }
    try {
      if (isMeant && shareWith(fd, gid)) opened.push(name);
      if (what === 'place') return;
      const here = `/proc/self/fd/${String(fd)}`;
      for (const entry of readEntries(here) ?? [])
        if (entry.isDirectory()) visit(`${here}/${entry.name}`, join(name, entry.name), true);
    } finally {
      closeSync(fd);
    }
  }
}

/** Makes a log that the group may write, or opens the one that is there. Throws UnfitFile, or the system's error. */
export function openLogToGroup(path: string, gid: number): void {
  process.umask(0o002);
  mkdirSync(dirname(path), { recursive: true });
  const fd = openRegularFile(path, O_WRONLY | O_APPEND | O_CREAT, { mode: 0o664 });
  try {
    const { uid, mode } = fstatSync(fd);
    fchownSync(fd, uid, gid);
    fchmodSync(fd, (mode & 0o777) | 0o020);
  } finally {
    closeSync(fd);
  }
}

/** Whether the directory was this user's and not open yet. */
function shareWith(fd: number, group: number): boolean {
  const { uid, gid, mode } = fstatSync(fd);
  if (uid !== process.geteuid?.()) return false;
  if (gid === group && (mode & GROUP_BITS) === GROUP_BITS) return false;
  fchownSync(fd, uid, group);
  fchmodSync(fd, (mode & 0o7777) | GROUP_BITS);
  return true;
}
