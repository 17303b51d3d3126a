import type { Transfer } from '../../state/package-state.js';

/**
 * Reads what `rsync --stats --no-human-readable` prints at its end, or null when it did not get that far. The last match
 * of each line counts: file names that imitate them come before.
 */
export function parseRsyncStats(output: string): Transfer | null {
  const text = `\n${output}`;
  const number = (label: string): number | null => numberAfter(text, `\n${label}: `);
  const listed = number('Number of files');
  if (listed === null) return null;
  return {
    files: listed - specialFiles(output),
    total_bytes: number('Total file size'),
    transferred_files: number('Number of regular files transferred'),
    transferred_bytes: number('Total transferred file size'),
    received_bytes: number('Total bytes received'),
    deleted: number('Number of deleted files'),
    speedup: numberAfter(text.slice(text.lastIndexOf('\ntotal size is ')), ' speedup is '),
  };
}

/**
 * Whether the last statistics tell of files or links; null where there are none. rsync before 3.1 counts without telling
 * kinds apart, and is believed.
 */
export function listsFiles(output: string): boolean | null {
  const kinds = listedKinds(output);
  if (kinds === null) return null;
  return !/^(0|\S+ \(.*\))$/.test(kinds) || /\b(reg|link): /.test(kinds);
}

/** Devices, FIFOs and sockets that upstream lists: dst gets none of them. */
function specialFiles(output: string): number {
  const kinds = listedKinds(output) ?? '';
  return (numberAfter(kinds, 'dev: ') ?? 0) + (numberAfter(kinds, 'special: ') ?? 0);
}

/** What follows the last `Number of files: `, e.g. `1,230 (reg: 1,200, dir: 29, special: 1)`. */
function listedKinds(output: string): string | null {
  const label = 'Number of files: ';
  const at = output.lastIndexOf(label);
  return at < 0 ? null : (output.slice(at + label.length, at + 200).split('\n')[0] ?? null);
}

/** The number behind the last `label`, which may have commas. */
function numberAfter(text: string, label: string): number | null {
  const at = text.lastIndexOf(label);
  if (at < 0) return null;
  const number = parseFloat(text.slice(at + label.length, at + label.length + 40).replaceAll(',', ''));
  return Number.isNaN(number) ? null : number;
}
