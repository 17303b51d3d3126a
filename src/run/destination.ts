import { readdirSync, statSync } from 'node:fs';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { isNeverUpstream } from '../job/never-upstream.js';
import type { Outcome } from '../job/outcome.js';
import { isInside } from '../state/inside.js';
import type { PackageState } from '../state/package-state.js';

/** What is known about a package that its directory must agree with. */
export interface Expected {
  readonly state: PackageState;
  readonly bootId: string;
  /** A person vouches for this run (`--allow-deletes`): another device is what they moved dst to. */
  readonly vouched: boolean;
  /** A dst that apply allowed after the success `after` (epoch ms) to be filled from nothing (`--refetch`), or null. */
  readonly fresh: { readonly path: string; readonly after: number | null | undefined } | null;
}

/**
 * Why a run must not touch `path`, or null. A package that has ever synced never starts over in a missing, empty or
 * foreign directory: that is an unmounted disk far more often than a wish.
 */
export async function refuseDirectory(path: string, expected: Expected): Promise<Outcome | null> {
  const { state, fresh } = expected;
  const before = state.last_success !== null || state.size !== null;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) {
    return refusal(
      `${path} is missing; ${before ? `it has been synced before; ${NEW_DISK}` : '`mirror apply` creates it'}`,
    );
  }
  if (!stat.isDirectory()) return refusal(`${path} is not a directory`);
  if (!before) return null;
  // Once something was synced there, it is a dst like any other.
  const isFresh = fresh?.path === path && (state.dst?.path !== path || state.last_success === fresh.after);
  if (!isFresh && isEmpty(path) && (state.size === null || state.size.files > 1)) {
    return refusal(`${path} is empty, and it has been synced before; ${NEW_DISK}`);
  }
  const known = state.dst;
  if (known?.path !== path || expected.vouched || isFresh) return null;
  if (known.dev === stat.dev && known.boot_id === expected.bootId) return null;
  return (await import('./special/index.js')).refuseOtherDisk(state.id, known, expected.bootId);
}

/** What helps when a dst is to be filled anew. */
const NEW_DISK = 'if its disk is new: mirror apply --refetch';

/** Nothing but what a file system and mirror itself put there. */
export function isEmpty(directory: string): boolean {
  return readdirSync(directory).every((name) => isNeverUpstream(name));
}

/**
 * The first place that a run of the job writes to and that is not below `--root`, in words, or null: a rehearsal must not
 * touch the live site. Outputs are looked at when they are published.
 */
export function outsideRoot(job: Job, { root, state }: Layout): string | null {
  if (root === '') return null;
  const places = {
    dst: job.dst,
    'the log folder': job.log.base,
    "the folder of the site's log": job.log.site?.base,
    'the state directory': state,
  };
  const found = Object.entries(places).find(([, path]) => path !== undefined && !isInside(path, root));
  return found ? `${found[0]} ${found[1]} is outside --root ${root}` : null;
}

/** How a run ends that does not touch a dst. */
export function refusal(reason: string): Outcome {
  return { kind: 'failed', failure: 'dst', reason };
}
