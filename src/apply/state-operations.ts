import { STATE_DIRECTORIES, type Layout } from '../job/layout.js';
import type { SiteFile } from '../job/site-file.js';
import { renamed as renamedPackages, type Intent } from '../plan/assemble.js';
import { isCreated, startsEmpty } from '../plan/destinations.js';
import type { Observation } from '../plan/observation.js';
import type { Plan } from '../plan/plan.js';
import { importStat } from '../state/import.js';
import { isPackageState, type Baseline, type Hold, type PackageState } from '../state/package-state.js';
import { renamed } from '../state/reduce.js';
import type { Owner, Reader } from '../system/system.js';
import { gitIgnoreOperations } from './git-ignore.js';
import type { Operation } from './operation.js';
import { readJson } from './read-json.js';
import { freshDst } from './refetch.js';

interface Steps {
  readonly operations: Operation[];
  /** Lines for people. */
  readonly messages: string[];
}

/** What an apply makes beside the artifacts: directories, dst, and what state must know before anything can run. */
export function stateOperations(
  intent: Intent,
  seen: Observation,
  plan: Plan,
  hold: Hold | null,
  system: Reader,
): Steps {
  const { layout, site } = intent;
  const owner = layout.root === '' ? account(site.settings.uid, site.settings.gid, system) : undefined;
  const carried = [...renamedPackages(site, layout, seen.manifest)].flatMap(([old, id]) =>
    renameOperations(layout, old, id, system),
  );
  const moved = new Set(carried.map(({ path }) => path));
  const hasState = (id: string): boolean =>
    moved.has(layout.stateFile(id)) || system.actual(layout.stateFile(id)).kind !== 'absent';
  const imported = importOperations(intent, hasState, owner, system);
  const touched = new Set([...imported.operations, ...carried].map(({ path }) => path));
  const words = [...baselines(plan, layout, seen, system), ...holds(plan, layout, hold, owner)];
  return {
    // A baseline of now stands above one that a rename brings along.
    operations: [
      ...ownDirectories(layout),
      ...gitIgnoreOperations(layout, system),
      ...destinations(seen, system),
      ...carried.filter(({ path }) => !words.some((word) => word.path === path)),
      ...imported.operations,
      ...words.filter(({ path }) => !touched.has(path) || path.includes('/baseline/')),
    ],
    messages: imported.messages,
  };
}

/** Below `--root` nobody ran setup. */
function ownDirectories({ root, compiled, secrets, state }: Layout): Operation[] {
  if (root === '') return [];
  return [
    { kind: 'directory', path: `${compiled}/jobs`, mode: 0o755 },
    { kind: 'directory', path: secrets, mode: 0o700 },
    ...STATE_DIRECTORIES.map((name): Operation => ({
      kind: 'directory',
      path: `${state}/${name}`,
      mode: 0o775,
    })),
  ];
}

function destinations(seen: Observation, system: Reader): Operation[] {
  // By path, so that a dst in another one comes after it.
  const created = [...seen.destinations.values()]
    .filter(isCreated)
    .sort((a, b) => (a.job.dst < b.job.dst ? -1 : 1));
  return created.map(({ job }): Operation => {
    const owner = seen.host?.live ? account(job.run_as.user, job.run_as.group, system) : undefined;
    return { kind: 'directory', path: job.dst, mode: 0o755, ...(owner && { owner }) };
  });
}

/**
 * New packages and changed schedules start counting now: an apply never makes everything due at once. A dst that is to be
 * filled from nothing is named as well: no run would do so otherwise.
 */
function baselines(plan: Plan, layout: Layout, seen: Observation, system: Reader): Operation[] {
  return plan.packages.flatMap(({ id, kind, schedule }): Operation[] => {
    const path = layout.baselineFile(id);
    const counts = kind === 'new' || (kind === 'changed' && schedule !== null);
    const destination = seen.destinations.get(id);
    const fresh = destination && startsEmpty(destination) ? freshDst(layout, destination.job, system) : {};
    if (!counts && !('fresh_dst' in fresh)) return [];
    const before = baselineAt(path, system);
    const baseline: Baseline = {
      ...before,
      at: counts || !before ? seen.now : before.at,
      ...fresh,
    };
    return [{ kind: 'write', path, content: JSON.stringify(baseline), mode: 0o664 }];
  });
}

function holds(plan: Plan, layout: Layout, hold: Hold | null, owner: Owner | undefined): Operation[] {
  if (!hold) return [];
  const content = JSON.stringify(hold);
  return plan.packages
    .filter(({ kind }) => kind === 'new')
    .map(({ id }) => ({
      kind: 'write',
      path: layout.holdFile(id),
      content,
      mode: 0o664,
      ...(owner && { owner }),
    }));
}

/**
 * What is known and was asked of a package follows it to its new id, so that nobody is told of its incident twice, or
 * never that it is over; what the new id already has stays.
 */
function renameOperations(layout: Layout, old: string, id: string, system: Reader): Operation[] {
  const pairs: [string, string][] = [
    [layout.holdFile(old), layout.holdFile(id)],
    [layout.historyFile(old), layout.historyFile(id)],
    [layout.baselineFile(old), layout.baselineFile(id)],
    [layout.incidentFile(old), layout.incidentFile(id)],
    [layout.requestFile(old), layout.requestFile(id)],
  ];
  const moved = pairs.map(([from, to]) => ({ from, to, content: system.read(from) }));
  const state = {
    from: layout.stateFile(old),
    to: layout.stateFile(id),
    content: stateFor(layout, old, id, system),
  };
  return [state, ...moved].flatMap(({ from, to, content }): Operation[] => {
    if (content === null || system.actual(to).kind !== 'absent') return [];
    const facts = system.facts(from);
    const owner = facts ? { uid: facts.uid, gid: facts.gid } : undefined;
    const keep = layout.root === '' && owner ? { owner } : {};
    return [
      { kind: 'write', path: to, content, mode: 0o664, ...keep },
      { kind: 'unlink', path: from },
    ];
  });
}

function baselineAt(path: string, system: Reader): Baseline | null {
  const found = readJson(path, system) as Partial<Baseline> | null;
  return typeof found?.at === 'number' ? (found as Baseline) : null;
}

function stateFor(layout: Layout, old: string, id: string, system: Reader): string | null {
  try {
    const state = JSON.parse(system.read(layout.stateFile(old)) ?? 'null') as PackageState | null;
    return state && isPackageState(state, old) ? JSON.stringify(renamed(state, id)) : null;
  } catch {
    return null;
  }
}

/**
 * A first apply over mirror.py's stat.json, of all or since `statfile` names it: it becomes the state of packages that have
 * none and is kept as `.bak`, before our own publishing replaces it: mirror.py writes passwords there for everybody to read,
 * so nobody else may read the copy. Below `--root` only a statfile that lies there is read.
 */
function importOperations(
  { site, layout, jobs }: Intent,
  hasState: (id: string) => boolean,
  owner: Owner | undefined,
  system: Reader,
): Steps {
  const none = { operations: [], messages: [] };
  const { statfile } = site.settings;
  const applied = appliedStatfile(layout, system);
  // Uninstalling leaves the states, and what was published of them.
  const hasStates = (): boolean =>
    system.list(`${layout.state}/state`, 100).some(({ name }) => name.endsWith('.json'));
  const isOurs = applied === null ? hasStates() : applied === statfile;
  const isElsewhere = layout.root !== '' && !statfile.startsWith(`${layout.root}/`);
  if (isOurs || isElsewhere) return none;
  const text = system.read(statfile);
  if (text === null) {
    const isThere = system.facts(statfile) !== null;
    return isThere
      ? { operations: [], messages: [`${statfile} cannot be read: its history is not taken over`] }
      : none;
  }
  const { states, warnings } = importStat(
    text,
    [...jobs.keys()].filter((id) => !hasState(id)),
  );
  const facts = system.facts(statfile);
  const backup = freeName(`${statfile}.bak`, text, system);
  const keepsBackup = system.actual(backup).kind === 'absent';
  const given = owner ? { owner } : {};
  return {
    operations: [
      // Also when nothing of it is understood: publishing replaces it.
      ...(keepsBackup
        ? [
            {
              kind: 'write',
              path: backup,
              content: text,
              mode: (facts?.mode ?? 0) & 0o640,
              ...given,
            } as const,
          ]
        : []),
      ...states.map((state): Operation => {
        const content = JSON.stringify(state);
        return { kind: 'write', path: layout.stateFile(state.id), content, mode: 0o664, ...given };
      }),
    ],
    messages: [...warnings, takenOver(states.length, warnings, statfile, backup)],
  };
}

function takenOver(count: number, warnings: readonly string[], statfile: string, backup: string): string {
  if (count > 0)
    return `history of ${String(count)} ${count === 1 ? 'package' : 'packages'} taken over from ${statfile}, kept as ${backup}`;
  return warnings.length > 0
    ? `${statfile} is kept as ${backup}`
    : `${statfile} tells nothing new of these packages; it is kept as ${backup}`;
}

/** Where the runs of now publish. */
function appliedStatfile(layout: Layout, system: Reader): string | null {
  return (readJson(layout.siteFile, system) as Partial<SiteFile> | null)?.statfile ?? null;
}

/** `path`, or `path.1` and so on where something else has that name: an older backup is somebody's. */
function freeName(path: string, text: string, system: Reader): string {
  let free = path;
  for (let i = 1; system.actual(free).kind !== 'absent' && system.read(free) !== text; i++)
    free = `${path}.${String(i)}`;
  return free;
}

function account(user: string | number, group: string | number, system: Reader): Owner | undefined {
  const [owner, gid] = [system.user(user), system.group(group)];
  return owner ? { uid: owner.uid, gid: gid ?? owner.gid } : undefined;
}
