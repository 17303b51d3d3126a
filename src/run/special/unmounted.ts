import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Outcome } from '../../job/outcome.js';
import { refusal } from '../destination.js';
import { isMountPoint } from '../mounts.js';

/** Why a run must not begin while a mount point is not mounted (`guard.mount`), or null. */
export function refuseUnmounted(mount: string): Outcome | null {
  const isMounted = isMountPoint(resolve(mount), readFileSync('/proc/self/mountinfo', 'utf8'));
  return isMounted ? null : refusal(`${mount} is not mounted`);
}
