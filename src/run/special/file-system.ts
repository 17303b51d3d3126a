import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import type { FileSystem } from '../../state/package-state.js';
import { mountOf } from '../mounts.js';

/** File systems whose fsid of statfs(2) is made of their UUID (btrfs: and the subvolume), not of a device's number. */
const LASTING_FSID = /^(ext[234]|btrfs)$/;

/**
 * Tells which file system a directory is on, and where in it, so that the same disk is known again after it was unmounted:
 * st_dev is another one then for btrfs, overlay and NFS, and for a disk that got another number. Null when the kernel's
 * table of mounts cannot be read.
 */
export function identifyFileSystem(directory: string): FileSystem | null {
  try {
    const path = realpathSync(directory);
    const mount = mountOf(path, readFileSync('/proc/self/mountinfo', 'utf8'));
    if (mount === null) return null;
    return {
      type: mount.type,
      // overlay(7) has no source; its upper directory is what holds the files.
      source: /(?:^|,)upperdir=([^,]+)/.exec(mount.options)?.[1] ?? mount.source,
      place: posix.join(mount.root, posix.relative(mount.point, path)),
      uuid: uuidOf(mount.device),
      born: bornOf(path),
      fsid: LASTING_FSID.test(mount.type) ? fsidOf(path) : null,
    };
  } catch {
    return null;
  }
}

/**
 * Whether two looks at a directory found the same file system: true or false where something lasting says so, or null. The
 * source is the name of a device: it proves no difference after a reboot.
 */
export function isSameFileSystem(a: FileSystem, b: FileSystem, sameBoot: boolean): boolean | null {
  if (a.type !== b.type || a.place !== b.place) return false;
  if (a.uuid !== null && b.uuid !== null) return a.uuid === b.uuid;
  if (a.fsid !== null && b.fsid !== null) return a.fsid === b.fsid;
  if (a.source === b.source || (a.born !== null && a.born === b.born)) return true;
  return sameBoot || !a.source.startsWith('/dev/') ? false : null;
}

/** The UUID of a block device's file system by udev(7)'s records, which anybody may read; null where there is none. */
function uuidOf(device: string): string | null {
  try {
    const record = readFileSync(`/run/udev/data/b${device}`, 'utf8');
    return /^E:ID_FS_UUID=(\S+)$/m.exec(record)?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Null on a file system that keeps no time of birth. */
function bornOf(path: string): string | null {
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  return birthtimeNs === 0n ? null : `${String(ino)}:${String(birthtimeNs)}`;
}

/** The fsid as stat(1) prints it. */
function fsidOf(path: string): string | null {
  const { status, stdout } = spawnSync('stat', ['--file-system', '--format=%i', '--', path], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  const fsid = status === 0 ? stdout.trim() : '';
  return /^0*$/.test(fsid) ? null : fsid;
}
