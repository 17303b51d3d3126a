import { statfsSync } from 'node:fs';
import type { MinFree } from '../job/job.js';

/** Why there is too little room at `path` for a run (`guard.min_free`), or null. Counts what ordinary users may use. */
export function lackOfSpace(path: string, least: MinFree): string | null {
  const { bavail, blocks, bsize } = statfsSync(path);
  const free = bavail * bsize;
  const needed = 'bytes' in least ? least.bytes : least.share * blocks * bsize;
  if (free >= needed) return null;
  return `${gibibytes(free)} free at ${path}, guard.min_free asks for ${gibibytes(needed)}`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
