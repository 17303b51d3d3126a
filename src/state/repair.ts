import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readEntries } from '../boundary/directory-names.js';
import type { Job } from '../job/job.js';
import { STATE_DIRECTORIES } from '../job/layout.js';
import type { Layout } from '../job/layout.js';
import { tryLock } from '../system/flock.js';
import { removeQuietly } from '../system/if-there.js';
import { currentBoot, executorLives, isOverdue } from './alive.js';
import { removeLeftovers } from './leftovers.js';
import { recordLost } from './lost.js';
import { readState } from './mend-state.js';
import { outputs } from './outputs/index.js';
import type { PackageState } from './package-state.js';
import { outputPath } from './publish.js';
import { readSiteFile } from './site.js';
import { idsIn, readHold, warnOnStderr } from './store.js';
import type { Warn } from './store.js';

/** An atomic write takes milliseconds; what is this old was left by a killed process. */
const LITTER_AGE = 3_600_000;

export interface Repairs {
  /** Packages whose executor died without recording the end; now `interrupted`. */
  readonly lost: readonly string[];
  /** Packages whose run goes on beyond every limit of its own: the caller may end it. */
  readonly overdue: readonly string[];
  /** Packages whose hold ran out or was ended: once the caller has started what it kept waiting, it clears them. */
  readonly released: readonly string[];
  /** Idle packages that somebody asked to run: the caller may start them. */
  readonly requested: readonly string[];
  /** Packages of which that could not be found out; what is wrong was said. */
  readonly unrepaired: readonly string[];
  /** Idle packages whose last run was cut off: the caller may start them again, see `run/again.ts`. */
  readonly cutOff: readonly CutOff[];
}

/** An idle package whose last run ended as `interrupted`. */
export interface CutOff {
  readonly state: PackageState;
  /** The run was of an earlier boot and is recorded only now: nobody but who ends it can know. */
  readonly earlierBoot: boolean;
}

/**
 * Puts right what no process came back to do: ends runs whose executor died, sweeps temporary files that killed writers
 * left, and names holds that are over and requests that nobody serves. `mirror publish` calls it before publishing, at
 * boot, after every unit's end and on every tick. `now` in epoch ms.
 */
export function repair(layout: Layout, now: number, warn: Warn = warnOnStderr): Repairs {
  const lost: string[] = [];
  const overdue: string[] = [];
  const running = new Set<string>();
  const unrepaired: string[] = [];
  const cutOff: CutOff[] = [];
  for (const id of idsIn(layout, 'state')) {
    try {
      const state = readState(layout, id, warn);
      const { run } = state;
      const ended = run === null ? state : executorLives(run) ? null : endLostRun(layout, id, now, warn);
      if (ended === null) running.add(id);
      if (ended === null && run !== null && isOverdue(run, now)) overdue.push(id);
      if (ended !== null) {
        if (run !== null) lost.push(id);
        const earlierBoot = run !== null && run.boot_id !== currentBoot();
        if (ended.last?.outcome === 'interrupted') cutOff.push({ state: ended, earlierBoot });
      }
    } catch (error) {
      unrepaired.push(id);
      warn(`${id} was not repaired: ${(error as Error).message}`);
    }
  }
  const released = idsIn(layout, 'hold').filter((id) => readHold(layout, id, now) === null);
  const requested = idsIn(layout, 'request').filter(
    (id) => !running.has(id) && readHold(layout, id, now) === null && existsSync(layout.job(id)),
  );
  try {
    sweep(layout, now);
  } catch (error) {
    warn(`leftover temporary files were not swept: ${(error as Error).message}`);
  }
  return { lost, overdue, released, requested, unrepaired, cutOff };
}

/** The state after it; null when the run turned out to live: its lock is held, by the executor or by a tool that outlived it. */
function endLostRun(layout: Layout, id: string, now: number, warn: Warn): PackageState | null {
  const lock = tryLock(layout.runLock(id));
  if (lock === null) return null;
  try {
    // Read again: between our look and the lock it may have ended by itself.
    const state = readState(layout, id, warn);
    if (state.run === null) return state;
    const ended = recordLost(layout, state, now);
    removeToolsLeftovers(layout, id, warn);
    removeQuietly(layout.waitingFile(id));
    return ended;
  } finally {
    lock.release();
  }
}

/** What the dead run's tool left in dst to tell others of a sync in progress. The caller holds the run lock. */
function removeToolsLeftovers(layout: Layout, id: string, warn: Warn): void {
  try {
    const { attempts } = JSON.parse(readFileSync(layout.job(id), 'utf8')) as Pick<Job, 'attempts'>;
    const steps = attempts.flatMap((attempt) => attempt.steps);
    removeLeftovers(steps.flatMap((step) => (step.kind === 'exec' ? (step.leftovers ?? []) : [])));
  } catch (error) {
    // A package that is no longer applied has no job.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    warn(`${id}: what its tool left in dst was not removed: ${(error as Error).message}`);
  }
}

function sweep(layout: Layout, now: number): void {
  for (const directory of layout.realms.flatMap((realm) =>
    STATE_DIRECTORIES.map((name) => join(realm, name)),
  ))
    sweepDirectory(directory, /^\..*\.[0-9a-f]{12}\.tmp$/, now);
  const site = readSiteFile(layout);
  if (site === null) return;
  for (const output of outputs) {
    const path = outputPath(layout, site, output);
    const name = basename(path).replace(/\W/g, '\\$&');
    sweepDirectory(dirname(path), new RegExp(`^\\.${name}\\.[0-9a-f]{12}\\.tmp$`), now);
  }
}

function sweepDirectory(directory: string, litter: RegExp, now: number): void {
  let names: string[];
  try {
    const entries = readEntries(directory) ?? [];
    names = entries.map(({ name }) => name).filter((name) => litter.test(name));
  } catch {
    return;
  }
  for (const name of names) {
    const path = join(directory, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat && stat.mtimeMs < now - LITTER_AGE) removeQuietly(path);
  }
}
