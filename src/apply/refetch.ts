import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { Destination } from '../plan/observation.js';
import type { Baseline, PackageState } from '../state/package-state.js';
import type { Reader } from '../system/system.js';
import { countFiles } from './count-files.js';
import { readJson } from './read-json.js';

/**
 * Whether `--refetch` is for a package that stays where it is, or comes back: it has been synced before, and now its dst
 * is empty or missing, as on a new disk. No run fills such a dst by itself. False where an earlier apply has allowed it
 * already, and while the disk that the package asks for is not mounted.
 */
export function wantsRefetch(
  layout: Layout,
  job: Job,
  found: Destination['found'],
  mounted: boolean,
  system: Reader,
): boolean {
  const isEmpty = found.kind === 'directory' ? found.files === 0 : found.kind === 'missing';
  if (!isEmpty || !mounted) return false;
  const state = stateOf(layout, job.id, system);
  const synced = state?.last_success ?? null;
  if (synced === null && (state?.size ?? null) === null) return false;
  const baseline = readJson(layout.baselineFile(job.id), system) as Partial<Baseline> | null;
  return !(baseline?.fresh_dst === job.dst && baseline.fresh_after === synced);
}

/** Whether nothing at all lies at `path`; spares a look at everything else there. */
export function isBare(path: string, system: Reader): boolean {
  const kind = system.facts(path)?.kind;
  return kind === undefined || (kind === 'directory' && countFiles(system, path, 1) === 0);
}

function stateOf(layout: Layout, id: string, system: Reader): Partial<PackageState> | null {
  return readJson(layout.stateFile(id), system) as Partial<PackageState> | null;
}
