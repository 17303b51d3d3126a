import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { poolsFor } from '../run/limits.js';
import type { Reader } from '../system/system.js';
import { STATE_MODE, type Operation } from './operation.js';

/** Returns the slots that runs in realms take, by pool and number. */
export function slotsOfRealms(jobs: Iterable<Job>): [string, number][] {
  const sizes = new Map<string, number>();
  for (const { attempts, limits, run_as } of jobs) {
    if (!run_as.realm) continue;
    for (const { name, size } of attempts.flatMap(({ upstream }) => poolsFor(upstream, limits)))
      sizes.set(name, size);
  }
  return [...sizes].flatMap(([name, size]) =>
    Array.from({ length: size }, (_, index): [string, number] => [name, index]),
  );
}

/**
 * Makes the files of slots that are missing: the user of a realm may lock them, because everybody may read them, but may
 * make no file there.
 */
export function slotFiles(
  slots: readonly (readonly [string, number])[],
  layout: Layout,
  system: Reader,
): Operation[] {
  return slots
    .map(([name, index]) => layout.slotLock(name, index))
    .filter((path) => system.actual(path).kind === 'absent')
    .map((path) => ({ kind: 'write', path, content: '', mode: STATE_MODE }));
}
