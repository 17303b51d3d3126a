import { basename, dirname } from 'node:path';
import type { Layout } from '../job/layout.js';
import { daemonReload, isSystemdRunning, startUnits, stopUnits } from '../system/systemctl.js';
import type { System } from '../system/system.js';
import { stateHalf } from './state-half.js';
import { journalPath, readJournal, restore, type Journal } from './journal.js';

/**
 * Leads back to where a journal began: files, then systemd's knowledge of them, then the units that were stopped or
 * started. The journal goes last, so that a rollback that dies is taken up by the next apply. Returns what could not
 * be undone; then the journal stays.
 */
export async function rollBack(journal: Journal, layout: Layout, system: System): Promise<string[]> {
  const { places, state, files } = journal;
  const problems = restore(files, system);
  if (state.entries.length > 0)
    try {
      problems.push(...stateHalf(layout, state.account, system).restore(state.entries));
    } catch (error) {
      problems.push((error as Error).message);
    }
  problems.push(...restore(places, system));
  if (drivesSystemd(layout, system)) {
    const steps = [
      () => stopUnits(system, journal.start),
      () => (touchesUnits(journal, layout) ? daemonReload(system) : Promise.resolve()),
      () => startUnits(system, journal.stop),
    ];
    for (const step of steps) await step().catch((error: unknown) => problems.push((error as Error).message));
  }
  if (problems.length === 0) system.unlink(journalPath(layout));
  return problems;
}

/** Undoes what a killed apply left behind; null when there is nothing. The caller holds the apply lock. */
export async function heal(layout: Layout, system: System): Promise<string[] | null> {
  let journal: Journal | null;
  try {
    journal = readJournal(layout, system);
  } catch (error) {
    return [(error as Error).message];
  }
  // Without a journal only the journal itself can have been half written.
  sweep(journal?.files ?? [], layout, system);
  if (!journal) return null;
  return rollBack(journal, layout, system);
}

/** Whether this apply speaks to systemd: the live system's, when it is running. */
export function drivesSystemd(layout: Layout, system: System): boolean {
  return layout.root === '' && isSystemdRunning(system);
}

export function touchesUnits(journal: Journal, layout: Layout): boolean {
  return journal.files.some(({ path }) => path.startsWith(`${layout.units}/`));
}

/**
 * Temporary files of atomic writes that died before their rename. Only where apply alone writes: in the state directory
 * such a file may be a run's that is being written right now, and it is not root's to look into.
 */
function sweep(entries: Journal['files'], layout: Layout, system: System): void {
  const paths = [...entries.map(({ path }) => path), layout.manifest, journalPath(layout)];
  const ours = new Set(paths);
  for (const directory of new Set([...ours].map((path) => dirname(path))))
    for (const { name } of system.list(directory, 100_000)) {
      const target = /^\.(.+)\.[0-9a-f]{12}\.tmp$/.exec(basename(name))?.[1];
      if (target !== undefined && ours.has(`${directory}/${target}`)) system.unlink(`${directory}/${name}`);
    }
}
