import { readFileSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { EXIT } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import { isEmpty } from '../run/destination.js';
import { mountOf } from '../run/mounts.js';
import { bootId } from '../system/process.js';
import { identifyFileSystem } from '../run/special/file-system.js';
import { peekState, writeState } from '../state/store.js';
import { tryLock } from '../system/flock.js';
import { appliedSite } from './applied-site.js';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

/**
 * `mirror adopt --mount PATH`: records the file system that is mounted there as that of every synced package whose dst lies
 * on it. One that is empty or missing is not adopted: that takes `apply --refetch`. Throws ExitError 77 when some are left.
 */
export function adoptMount(options: GlobalOptions & { readonly mount: string }): void {
  const { mount, json } = options;
  const { layout, site } = appliedSite(options);
  const point = realDirectory(resolve(mount));
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  if (point === null || mountOf(point, mountinfo)?.point !== point)
    throw new ExitError(EXIT.noInput, `mirror: nothing is mounted at ${mount}`);
  const adopted: string[] = [];
  const left: string[] = [];
  for (const { id, dst } of site.packages) {
    const real = realDirectory(dst);
    // A dst that is missing is named as well: its disk should be this one.
    const place = real ?? dst;
    if (mountOf(place, mountinfo)?.point !== point) continue;
    const lock = tryLock(layout.runLock(id));
    if (lock === null) {
      left.push(`${id}: a run is going on`);
      continue;
    }
    try {
      const state = peekState(layout, id);
      if (state.last_success === null && state.size === null) continue;
      if (real === null || isEmpty(real)) {
        left.push(`${id}: ${dst} is ${real === null ? 'missing' : 'empty'}: mirror apply --refetch`);
        continue;
      }
      const fs = identifyFileSystem(real);
      const seen = { path: dst, dev: statSync(real).dev, boot_id: bootId() };
      writeState(layout, { ...state, dst: { ...seen, ...(fs === null ? {} : { fs }) } });
      adopted.push(id);
    } finally {
      lock.release();
    }
  }
  if (json) process.stdout.write(`${jsonText({ format: 'mirror/adopt/1', adopted, left }, 2)}\n`);
  else for (const id of adopted) process.stdout.write(`${id}: adopted on ${point}\n`);
  if (adopted.length + left.length === 0)
    throw new ExitError(EXIT.noInput, `mirror: no package that was synced has its dst on ${point}`);
  if (left.length > 0)
    throw new ExitError(EXIT.needsPerson, left.map((line) => `mirror: ${line}`).join('\n'));
}

function realDirectory(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
