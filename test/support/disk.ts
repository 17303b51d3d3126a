import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** Whether tests may mount a disk here. */
export const MAY_MOUNT = process.getuid?.() === 0;

/**
 * Has a directory, made if need be, on a disk of its own (tmpfs) while `use` runs: with the options `size=1m` one that is
 * soon full, with `ro` one that may not be written. Needs root.
 */
export async function onDisk(path: string, options: string, use: () => Promise<void>): Promise<void> {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
  try {
    await use();
  } finally {
    execFileSync('umount', [path]);
  }
}
