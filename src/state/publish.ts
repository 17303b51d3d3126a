import { closeSync, openSync, statSync } from 'node:fs';
import { siteLayout } from '../job/layout.js';
import type { Layout } from '../job/layout.js';
import type { PublishedPackage, SiteFile } from '../job/site-file.js';
import { writeFileAtomic } from '../system/atomic.js';
import { tryLock } from '../system/flock.js';
import { isThere } from '../system/if-there.js';
import { isAlive } from './alive.js';
import { isInside } from './inside.js';
import { outputs } from './outputs/index.js';
import type { Output, Published } from './outputs/output.js';
import { emptyState } from './package-state.js';
import type { Hold } from './package-state.js';
import { removeRecord } from './record-file.js';
import { readSiteFile } from './site.js';
import { isStandingLocal, view } from './status.js';
import type { Facts } from './status.js';
import { idsIn, lookAtState, readBaseline, readHold, warnOnStderr } from './store.js';
import type { StateSeen, Warn } from './store.js';

/**
 * Says that the published files are behind the states. Costs the same however many packages there are. Anything that lies
 * there already says so, of whatever kind: nothing is opened and no link followed.
 */
export function markDirty(layout: Layout): void {
  try {
    closeSync(openSync(layout.dirtyMarker, 'wx', 0o664));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Brings every output up to the states on disk; call `markDirty` after the state is written, then this. One process
 * rebuilds for all that wait: whoever finds the publish lock taken leaves, because its holder looks at the marker again
 * after letting go. The marker is removed before the states are read, so a state that changes meanwhile is read again.
 * What cannot be published is a warning, never an exception: it must not fail a sync. `now` in epoch ms.
 */
export function publish(layout: Layout, now: number, warn: Warn = warnOnStderr): void {
  const began = Date.now();
  try {
    while (isThere(layout.dirtyMarker)) {
      const lock = tryLock(layout.publishLock);
      if (lock === null) return;
      try {
        while (removeRecord(layout.dirtyMarker)) rebuild(layout, now + Date.now() - began, warn);
      } finally {
        lock.release();
      }
    }
  } catch (error) {
    warn(`nothing was published: ${(error as Error).message}`);
  }
}

/** A package, its state and how it is at `now`: what every output, and `mirror status`, is made of. */
export function published(
  layout: Layout,
  pkg: PublishedPackage,
  { state, unreadable }: StateSeen,
  hold: Hold | null,
  now: number,
): Published {
  const facts: Facts = {
    hold,
    unreadable,
    alive: state.run !== null && isAlive(layout, pkg.id, state.run),
    dstExists: isStandingLocal(pkg, state) && isDirectory(pkg.dst),
    baseline: state.last_success === null ? readBaseline(layout, pkg.id) : null,
  };
  return { pkg, state, view: view(pkg, state, facts, now) };
}

/** Where an output goes. Under `--root` the config still names the live site's files: a rehearsal must not write there. */
export function outputPath(layout: Layout, site: SiteFile, output: Output): string {
  const path = output.path(site);
  if (layout.root === '' || isInside(path, layout.root)) return path;
  throw new Error(`${path} is outside ${layout.root}`);
}

function rebuild({ root, siteFile }: Layout, now: number, warn: Warn): void {
  const site = readSiteFile({ siteFile });
  if (site === null) return;
  // A run knows only where its own package's files lie.
  const layout = siteLayout(root, site.packages);
  // Few packages are held: one listing instead of a look for each.
  const held = new Set(idsIn(layout, 'hold'));
  const packages = site.packages.map((pkg) => {
    const hold = held.has(pkg.id) ? readHold(layout, pkg.id, now) : null;
    return published(layout, pkg, stateToPublish(layout, pkg.id, warn), hold, now);
  });
  for (const output of outputs) {
    try {
      writeFileAtomic(
        outputPath(layout, site, output),
        output.render(site, packages, now),
        output.mode ?? undefined,
      );
    } catch (error) {
      warn(`${output.name} was not published: ${(error as Error).message}`);
    }
  }
}

/** One unreadable file makes one package UNKNOWN, not the whole site unpublished. */
function stateToPublish(layout: Layout, id: string, warn: Warn): StateSeen {
  try {
    const seen = lookAtState(layout, id);
    // What was moved aside was told of then.
    if (seen.unreadable !== null && isThere(layout.stateFile(id)))
      warn(`the state of ${id} is unknown: ${seen.unreadable}`);
    return seen;
  } catch (error) {
    const unreadable = `state of ${id} cannot be read: ${(error as Error).message}`;
    warn(unreadable);
    return { state: emptyState(id), unreadable };
  }
}

/** What this process may not look at (a sandbox, another user's directory) is not missing for that. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}
