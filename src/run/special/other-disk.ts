import type { Outcome } from '../../job/outcome.js';
import type { PackageState } from '../../state/package-state.js';
import { refusal } from '../destination.js';
import { identifyFileSystem, isSameFileSystem } from './file-system.js';

/**
 * Why a run must not touch a dst whose device or boot is not that of the last run, or null: it is on another file system
 * than then. What an earlier version recorded has a device only, which says nothing after a reboot.
 */
export function refuseOtherDisk(
  id: string,
  known: NonNullable<PackageState['dst']>,
  bootId: string,
): Outcome | null {
  const sameBoot = known.boot_id === bootId;
  const now = known.fs === undefined ? null : identifyFileSystem(known.path);
  const isSame =
    known.fs === undefined || now === null
      ? sameBoot
        ? false
        : null
      : isSameFileSystem(known.fs, now, sameBoot);
  if (isSame !== false) return null;
  const before = known.fs === undefined ? '' : ` (then ${known.fs.type} of ${known.fs.source})`;
  return refusal(
    `${known.path} is on another file system than at the last run${before}; if that is right: mirror run ${id} --allow-deletes 0, or for all packages of a disk: mirror adopt --mount MOUNTPOINT`,
  );
}
