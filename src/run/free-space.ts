import { statfsSync } from 'node:fs';
import type { MinFree } from '../job/job.js';

/** Why there is too little room at `path` for a run (`guard.min_free`), or null. Counts what ordinary users may use. */
export function lackOfSpace(path: string, least: MinFree): string | null {
  let system: ReturnType<typeof statfsSync>;
  try {
    system = statfsSync(path);
  } catch (error) {
    // It was there when the run began: the disk went away under it.
    return (error as Error).message;
  }
  const { bavail, blocks, bsize } = system;
  const free = bavail * bsize;
  const needed = 'bytes' in least ? least.bytes : least.share * blocks * bsize;
  if (free >= needed) return null;
  return `${formatBytes(free)} free at ${path}, guard.min_free asks for ${formatBytes(needed)}`;
}

/** Bytes for people, in MiB or GiB. */
export function formatBytes(bytes: number): string {
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
