import type { Artifact } from '../compile/artifact.js';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { Site } from '../model/site.js';
import { lateByClock } from '../schedulers/crontab/late.js';
import { dstNotes } from './destinations.js';
import { guards, type Permissions } from './guards.js';
import { isListed } from './manifest.js';
import type { Observation } from './observation.js';
import type { Change, Manifest, PackageChange, Plan } from './plan.js';
import { packageChange } from './words.js';

/** A compiled site and where it goes: what plan and apply work from. */
export interface Intent {
  readonly site: Site;
  readonly layout: Layout;
  readonly artifacts: readonly Artifact[];
  /** By package id. */
  readonly jobs: ReadonlyMap<string, Job>;
  /** Absolute path of the program that units and cron lines call. */
  readonly executable: string;
}

/** The plan: what was observed, judged. `at` (epoch ms) is when the next runs are counted from. */
export function assemble(intent: Intent, seen: Observation, permissions: Permissions, at: number): Plan {
  const verdict = judge(intent, seen, permissions);
  return { ...verdict, packages: verdict.nothing ? [] : packageChanges(intent, seen, verdict.changes, at) };
}

/** A plan without words on packages, which cost as much as all the rest: whether there is anything to do, and may be done. */
export function judge(intent: Intent, seen: Observation, permissions: Permissions): Omit<Plan, 'packages'> {
  const { site, layout, artifacts, jobs } = intent;
  const changes = seen.changes.filter(({ kind }) => kind !== 'unchanged');
  const isRefetched = [...seen.destinations.values()].some(({ refetch }) => refetch);
  // Most plans are these: nothing is to be found out about packages of which nothing changes.
  const isSame = changes.length === 0 && isListed(seen.manifest, artifacts);
  if (isSame && !isRefetched && seen.machine.other === null)
    return { changes, refusals: [], warnings: standingWarnings(site), nothing: true };
  const { refusals, warnings } = guards(site, layout, seen, removals(intent, seen), permissions);
  return {
    changes,
    refusals,
    warnings: [...warnings, ...clockWarnings(site, jobs, seen), ...standingWarnings(site)],
    nothing: false,
  };
}

/** Old id → new id of packages that carry their state over: `renamed_from` was applied and is gone from the config. */
export function renamed(site: Site, layout: Layout, manifest: Manifest): Map<string, string> {
  const ids = new Set(site.packages.map(({ id }) => id));
  const pairs = site.packages.flatMap(({ id, renamedFrom: old }): [string, string][] =>
    old !== null && !ids.has(old) && old !== id && layout.job(old) in manifest.entries ? [[old, id]] : [],
  );
  return new Map(pairs);
}

/** A package's job as it lies on disk, from what a change found there; null when there is none to understand. */
export function jobBefore(changes: readonly Change[], path: string): Job | null {
  const change = changes.find((candidate) => candidate.path === path);
  const before = change && 'before' in change ? change.before : null;
  if (before?.kind !== 'file') return null;
  try {
    const job = JSON.parse(before.content) as Partial<Job> | null;
    return job?.schedule && Array.isArray(job.attempts) ? (job as Job) : null;
  } catch {
    return null;
  }
}

/** Ids that the manifest has a job of and the config no package, under no new name either. */
function removals({ site, layout, jobs }: Intent, { manifest }: Observation): string[] {
  const renames = renamed(site, layout, manifest);
  return Object.entries(manifest.entries).flatMap(([path, { package: id }]) =>
    id !== null && path === layout.job(id) && !jobs.has(id) && !renames.has(id) ? [id] : [],
  );
}

function packageChanges(
  intent: Intent,
  seen: Observation,
  changes: readonly Change[],
  at: number,
): PackageChange[] {
  const { site, layout, jobs } = intent;
  const oldIds = new Map([...renamed(site, layout, seen.manifest)].map(([old, id]) => [id, old]));
  const byPath = new Map(changes.map((change) => [change.path, change]));
  const before = (id: string): Job | null => {
    const change = byPath.get(layout.job(id));
    return change ? jobBefore([change], change.path) : null;
  };
  const touched = new Set(changes.flatMap(({ package: id }) => (id !== null && jobs.has(id) ? [id] : [])));
  for (const [id, { refetch }] of seen.destinations) if (refetch) touched.add(id);
  const present = [...touched].sort().map((id): PackageChange => {
    const renamedFrom = oldIds.get(id) ?? null;
    const fresh = !(layout.job(id) in seen.manifest.entries) && renamedFrom === null;
    const change = byPath.get(layout.job(id));
    const job = jobs.get(id) ?? null;
    // A job that stays is the same before and after: only the package's other files change.
    const old = change ? before(renamedFrom ?? id) : job;
    const destination = seen.destinations.get(id);
    const secret = fresh ? undefined : changes.find((each) => each.package === id && each.secret);
    const notes = [...(destination ? dstNotes(destination) : []), ...(secret ? [secretNote(secret)] : [])];
    return { ...packageChange(id, old, job, fresh ? 'new' : 'changed', at), renamedFrom, notes };
  });
  const gone = removals(intent, seen)
    .sort()
    .map((id) => ({ ...packageChange(id, before(id), null, 'removed', at), renamedFrom: null, notes: [] }));
  return [...present, ...gone];
}

/** What becomes of a package's password, of which nothing is ever shown. */
function secretNote({ kind }: Change): string {
  if (kind === 'create') return 'its password is kept in a file of its own from now on';
  return kind === 'delete' ? 'its password file goes away' : 'its password changes';
}

function clockWarnings(site: Site, jobs: ReadonlyMap<string, Job>, { host }: Observation): string[] {
  const late = host?.zone == null ? null : lateByClock(site, jobs, host.zone);
  return late === null ? [] : [late];
}

function standingWarnings(site: Site): string[] {
  const open = site.packages.filter(({ sandbox }) => sandbox === 'off').map(({ id }) => id);
  return open.length > 0 ? [`sandbox is off for ${open.join(', ')}`] : [];
}
