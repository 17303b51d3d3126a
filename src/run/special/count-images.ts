import { join, relative } from 'node:path';
import { readdirSync } from 'node:fs';
import { readSmallText } from '../../boundary/small-file.js';
import { GO_ON } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';
import { omission } from './omissions.js';
import { lstatIfThere } from '../../system/if-there.js';

/** Lists of checksums beside Debian's images, as sha256sum(1) writes them. */
const LISTS: readonly string[] = ['SHA256SUMS', 'SHA512SUMS'];
const LIMIT_BYTES = 4 << 20;

/** Names the images that dst has checksums for, but not the images. What cannot be read as a list has none. */
export function countImages(turn: Turn): StepEnd {
  const { dst } = turn.session.job;
  const missing = new Set<string>();
  const left = [dst];
  for (let directory = left.pop(); directory !== undefined; directory = left.pop()) {
    const entries = readdirSync(directory, { withFileTypes: true });
    for (const entry of entries) {
      if (entry.isDirectory() && !entry.name.startsWith('.')) left.push(join(directory, entry.name));
      if (!entry.isFile() || !LISTS.includes(entry.name)) continue;
      for (const image of listedImages(join(directory, entry.name))) {
        const path = join(directory, image);
        if (lstatIfThere(path) === null) missing.add(relative(dst, path));
      }
    }
  }
  const why = 'in SHA256SUMS, but neither made nor taken';
  return {
    ...GO_ON,
    omissions: omission('left-out', { count: missing.size, names: [...missing].sort(), why }),
  };
}

function listedImages(path: string): string[] {
  try {
    const lines = (readSmallText(path, { limitBytes: LIMIT_BYTES }) ?? '').split('\n');
    return lines.flatMap((line) => /^[0-9a-f]{64,128} [ *]([\w.+~-]+\.iso)$/.exec(line)?.[1] ?? []);
  } catch {
    return [];
  }
}
