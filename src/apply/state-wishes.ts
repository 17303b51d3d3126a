import type { SiteFile } from '../job/site-file.js';
import type { Intent } from '../plan/assemble.js';
import { startsEmpty } from '../plan/destinations.js';
import type { MachineRecord, Observation } from '../plan/observation.js';
import type { Plan } from '../plan/plan.js';
import type { Hold } from '../state/package-state.js';
import type { Reader } from '../system/system.js';
import { findMovedState } from './moved-state.js';
import { readJson } from './read-json.js';
import { slotsOfRealms } from './slot-files.js';

/** What the state directory must know before anything can run, as values: they cross to another process. */
export interface StateWishes {
  /** Packages whose user has a realm, with that user, before the apply and after it; see `Layout`. */
  readonly owners: Readonly<Record<'before' | 'after', readonly Owned[]>>;
  /** Old id and new id of packages whose words are carried over; the same where only the realm is another. */
  readonly renames: readonly (readonly [string, string])[];
  /** Slots that runs in realms take, by pool and number: their files must be there. */
  readonly slots: readonly (readonly [string, number])[];
  readonly baselines: readonly BaselineWish[];
  /** The record of this machine, if it is to be written. */
  readonly machine: MachineRecord | null;
  readonly hold: { readonly ids: readonly string[]; readonly hold: Hold } | null;
  /** mirror.py's stat.json, taken over by those of the packages that have no state; null if there is none to look for. */
  readonly statfile: {
    readonly path: string;
    readonly ids: readonly string[];
    /** Nothing was ever applied here: then a stat.json beside states of ours is ours, too. */
    readonly isFirst: boolean;
  } | null;
}

type Owned = readonly [string, string | number];

export interface BaselineWish {
  readonly id: string;
  /** Epoch ms from which slots count; null keeps what an earlier baseline says. */
  readonly from: number | null;
  /** Epoch ms, for a package that has no earlier baseline. */
  readonly now: number;
  /** An empty dst that runs may fill; null if there is none. */
  readonly freshDst: string | null;
}

/** What a plan asks of the state directory. */
export function stateWishes(
  intent: Intent,
  seen: Observation,
  plan: Plan,
  hold: Hold | null,
  system: Reader,
): StateWishes {
  const { layout } = intent;
  const ids = plan.packages.filter(({ kind }) => kind === 'new').map(({ id }) => id);
  const { before, moves } = findMovedState(intent, seen.manifest, system);
  return {
    owners: { before: [...before.owners], after: [...layout.owners] },
    renames: moves,
    slots: slotsOfRealms(intent.jobs.values()),
    baselines: baselines(plan, seen),
    machine: seen.machine.record,
    hold: hold === null || ids.length === 0 ? null : { ids, hold },
    statfile: statfile(intent, system),
  };
}

/** Whether there is nothing to be done: then no process need be started for it. */
export function isEmpty({ renames, slots, baselines, machine, hold, statfile }: StateWishes): boolean {
  const lists = [renames, slots, baselines];
  const others = [machine, hold, statfile];
  return lists.every(({ length }) => length === 0) && others.every((one) => one === null);
}

/**
 * New packages and changed schedules start counting now: an apply never makes everything due at once. A dst that is to be
 * filled from nothing is named as well: no run would do so otherwise.
 */
function baselines(plan: Plan, seen: Observation): BaselineWish[] {
  return plan.packages.flatMap(({ id, kind, schedule }): BaselineWish[] => {
    const counts = kind === 'new' || (kind === 'changed' && schedule !== null);
    const destination = seen.destinations.get(id);
    const freshDst = destination && startsEmpty(destination) ? destination.job.dst : null;
    if (!counts && freshDst === null) return [];
    return [{ id, from: counts ? seen.now : null, now: seen.now, freshDst }];
  });
}

/** The file that runs publish to from now on, unless they did so before. Below `--root` only one that lies there is read. */
function statfile({ site, layout, jobs }: Intent, system: Reader): StateWishes['statfile'] {
  const { statfile: path } = site.settings;
  const applied = (readJson(layout.siteFile, system) as Partial<SiteFile> | null)?.statfile ?? null;
  const isElsewhere = layout.root !== '' && !path.startsWith(`${layout.root}/`);
  if (applied === path || isElsewhere) return null;
  return { path, ids: [...jobs.keys()], isFirst: applied === null };
}
