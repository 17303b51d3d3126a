import { dirname } from 'node:path';
import { stateDirectories, type Layout } from '../job/layout.js';
import { changes } from '../plan/changes.js';
import { EMPTY_MANIFEST, manifestText } from '../plan/manifest.js';
import type { Change, Manifest } from '../plan/plan.js';
import { sha256 } from '../system/digest.js';
import { daemonReload, stopUnits } from '../system/systemctl.js';
import type { System } from '../system/system.js';
import { enablement } from './artifact-operations.js';
import { countFiles } from './count-files.js';
import { removeLastGitIgnore } from './git-ignore.js';
import { drivesSystemd, heal, rollBack, touchesUnits } from './heal.js';
import { journalPath, makeJournal, writeJournal } from './journal.js';
import { perform, type Operation } from './operation.js';
import { readManifest, UnusableManifest } from './read-manifest.js';
import type { SetupResult } from './setup.js';
import { readRecord, recordPath } from './setup-record.js';

/**
 * Takes away what apply and setup made: generated files (their timers and sockets stopped first), the files for
 * systemd-sysusers, systemd-tmpfiles and logrotate, and directories that are empty. Never mirrored data, config, state,
 * logs or accounts, nor a file that somebody edited unless `force`. A running sync is left alone. Killed at any point, a
 * second uninstall does the rest.
 */
export async function uninstall(layout: Layout, force: boolean, system: System): Promise<SetupResult> {
  const done: string[] = [];
  const problems: string[] = [];
  const isApplied = [layout.manifest, journalPath(layout)].some(
    (path) => system.actual(path).kind !== 'absent',
  );
  if (isApplied) {
    const lock = system.lock(layout.applyLock);
    if (!lock) return { done, problems: ['an apply is at work: wait for its end'] };
    try {
      await removeGenerated(layout, force, system, done, problems);
    } finally {
      lock.release();
    }
  }
  // As long as generated files are left, so is what they need.
  if (problems.length === 0) removeMade(layout, force, system, done, problems);
  return { done, problems };
}

async function removeGenerated(
  layout: Layout,
  force: boolean,
  system: System,
  done: string[],
  problems: string[],
): Promise<void> {
  problems.push(...((await heal(layout, system)) ?? []));
  const manifest = problems.length > 0 ? EMPTY_MANIFEST : knownManifest(layout, system, problems);
  if (manifest === EMPTY_MANIFEST) return;

  const found = changes([], manifest, (path, guess) => system.actual(path, guess));
  const isKept = (change: Change): change is Extract<Change, { kind: 'drifted' }> =>
    change.kind === 'drifted' && (!force || change.before.kind === 'other');
  const kept = found.filter(isKept);
  const going = found.filter((change) => !isKept(change));
  for (const { path, before } of kept)
    problems.push(
      before.kind === 'other'
        ? `${path} is in the way: a ${before.what} that mirror did not write: move it away`
        : `${path} was edited since mirror wrote it: --force removes it`,
    );
  const { stop } = enablement(going);
  try {
    await carryOut(removals(going, kept, manifest, layout), stop, layout, system);
  } catch (error) {
    problems.push((error as Error).message);
    return;
  }
  if (stop.length > 0) done.push(`stopped and disabled ${stop.length} timers and sockets`);
  if (going.length > 0) done.push(`removed ${going.length} generated files`);
}

function knownManifest(layout: Layout, system: System, problems: string[]): Manifest {
  try {
    return readManifest(layout, system);
  } catch (error) {
    if (!(error instanceof UnusableManifest)) throw error;
    problems.push(error.message);
    return EMPTY_MANIFEST;
  }
}

/** What wakes a package goes before its job; the manifest last, and only when nothing of it is left. */
function removals(
  going: readonly Change[],
  kept: readonly Change[],
  manifest: Manifest,
  layout: Layout,
): Operation[] {
  const unlinks = going.map(({ path }): Operation => ({ kind: 'unlink', path }));
  const isInner = ({ path }: Operation): boolean => path.startsWith(`${layout.root}/etc/mirror/`);
  const left = Object.entries(manifest.entries).filter(([path]) =>
    kept.some((change) => change.path === path),
  );
  const content = manifestText({ ...manifest, entries: Object.fromEntries(left) });
  return [
    ...unlinks.filter((operation) => !isInner(operation)),
    ...unlinks.filter(isInner),
    left.length === 0
      ? { kind: 'unlink', path: layout.manifest }
      : { kind: 'write', path: layout.manifest, content, mode: 0o644 },
  ];
}

/** As an apply does it: journal, stop, files, daemon-reload; put back when a step fails, which is then thrown. */
async function carryOut(
  operations: readonly Operation[],
  stop: string[],
  layout: Layout,
  system: System,
): Promise<void> {
  const state = { account: null, entries: [] };
  const journal = makeJournal(layout, { places: [], state, files: operations, start: [], stop }, system);
  writeJournal(layout, journal, system);
  try {
    const isDriven = drivesSystemd(layout, system);
    if (isDriven) await stopUnits(system, stop);
    system.together(() => {
      for (const operation of operations) perform(operation, system);
    });
    if (isDriven && touchesUnits(journal, layout)) await daemonReload(system);
    system.unlink(journalPath(layout));
    if (isDriven) for (const unit of stop) system.unlink(`/var/lib/systemd/timers/stamp-${unit}`);
  } catch (error) {
    const left = await rollBack(journal, layout, system);
    throw new Error([(error as Error).message, ...left].join('; '), { cause: error });
  }
}

function removeMade(
  layout: Layout,
  force: boolean,
  system: System,
  done: string[],
  problems: string[],
): void {
  const { files, directories, accounts } = readRecord(layout, system);
  for (const [path, hash] of Object.entries(files)) {
    const actual = system.actual(path);
    if (actual.kind === 'absent') continue;
    if (actual.kind === 'file' && (force || sha256(actual.content) === hash)) {
      system.unlink(path);
      done.push(`removed ${path}`);
    } else problems.push(`${path} was edited since setup wrote it: --force removes it`);
  }
  if (problems.length > 0) return;
  // With anything in it the state stays as a whole: a sync that still runs needs its empty directories too.
  const isState = (path: string): boolean => path === layout.state || path.startsWith(`${layout.state}/`);
  const isKept = countFiles(system, layout.state, 1) > 0 ? isState : () => false;
  const own = [
    ...stateDirectories(layout).map(({ path }) => path),
    `${layout.compiled}/jobs`,
    layout.secrets,
    layout.compiled,
    dirname(layout.compiled),
  ];
  const deepestFirst = [...new Set([...directories, ...own])]
    .filter((path) => !isKept(path))
    .sort((a, b) => b.length - a.length);
  const sweep = (): void => {
    for (const path of deepestFirst) {
      if (!system.facts(path)) continue;
      removeLastGitIgnore(path, layout, system);
      system.removeDirectory(path);
      if (!system.facts(path)) done.push(`removed ${path}`);
    }
  };
  // The record holds the directories that it lies in, and is needed until all others are gone.
  sweep();
  system.unlink(recordPath(layout));
  sweep();
  if (layout.root === '' && accounts.length > 0)
    done.push(`left alone: ${accounts.join(', ')}, who may own files (userdel and groupdel remove them)`);
}
