import type { Transfer } from '../../state/package-state.js';

/**
 * Reads what `rsync --stats --no-human-readable` prints at its end, or null when it did not get that far. The last match
 * of each line counts: file names that imitate them come before.
 */
export function parseRsyncStats(output: string): Transfer | null {
  const number = (pattern: RegExp): number | null => {
    const digits = [...output.matchAll(pattern)].at(-1)?.[1]?.replaceAll(',', '');
    return digits === undefined ? null : Number(digits);
  };
  const files = number(/^Number of files: ([\d,]+)/gm);
  if (files === null) return null;
  return {
    files,
    total_bytes: number(/^Total file size: ([\d,]+)/gm),
    transferred_files: number(/^Number of regular files transferred: ([\d,]+)/gm),
    transferred_bytes: number(/^Total transferred file size: ([\d,]+)/gm),
    received_bytes: number(/^Total bytes received: ([\d,]+)/gm),
    deleted: number(/^Number of deleted files: ([\d,]+)/gm),
    speedup: number(/^total size is [\d,]+ +speedup is ([\d,.]+)/gm),
  };
}
