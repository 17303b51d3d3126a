import type { Transfer } from '../../state/package-state.js';

/**
 * Reads what `rsync --stats --no-human-readable` prints at its end, or null when it did not get that far. The last match
 * of each line counts: file names that imitate them come before.
 */
export function parseRsyncStats(output: string): Transfer | null {
  const text = `\n${output}`;
  const number = (label: string): number | null => numberAfter(text, `\n${label}: `);
  const files = number('Number of files');
  if (files === null) return null;
  return {
    files,
    total_bytes: number('Total file size'),
    transferred_files: number('Number of regular files transferred'),
    transferred_bytes: number('Total transferred file size'),
    received_bytes: number('Total bytes received'),
    deleted: number('Number of deleted files'),
    speedup: numberAfter(text.slice(text.lastIndexOf('\ntotal size is ')), ' speedup is '),
  };
}

/**
 * Whether the last statistics tell of files that are no directories; null where there are none. rsync before 3.1 counts
 * without telling them apart, and is believed.
 */
export function listsFiles(output: string): boolean | null {
  const at = output.lastIndexOf('Number of files: ');
  return at < 0 ? null : !/^[^:]+: (0|\S+ \(dir: \S+\))\n/.test(output.slice(at, at + 80));
}

/** The number behind the last `label`, which may have commas. */
function numberAfter(text: string, label: string): number | null {
  const at = text.lastIndexOf(label);
  if (at < 0) return null;
  const number = parseFloat(text.slice(at + label.length, at + label.length + 40).replaceAll(',', ''));
  return Number.isNaN(number) ? null : number;
}
