import { renameSync } from 'node:fs';
import type { Layout } from '../job/layout.js';
import { isThere } from '../system/if-there.js';
import type { PackageState } from './package-state.js';
import { moveAside } from './record-file.js';
import { lookAtState, parseState, warnOnStderr } from './store.js';
import type { Warn } from './store.js';

/**
 * State of a package as its file has it; an empty one when there is none. Whatever holds no whole state (another
 * program's file, a broken disk's, a FIFO) is moved aside to `<file>.corrupt` with a warning: the package is UNKNOWN,
 * nothing is lost and the next run starts afresh. Callers that must not write use `peekState` of store.ts.
 */
export function readState(layout: Layout, id: string, warn: Warn = warnOnStderr): PackageState {
  const path = layout.stateFile(id);
  const { state, unreadable } = lookAtState(layout, id);
  if (unreadable === null || !isThere(path)) return state;
  try {
    const aside = moveAside(path);
    const moved = parseState(aside, id).state;
    // A run replaced the broken file between our look and our move: what we moved is good.
    if (moved !== null) return putBack(layout, aside, moved);
    warn(`state of ${id} was unreadable and is now ${aside}; the package is unknown until its next run`);
  } catch (error) {
    warn(`state of ${id} is unreadable: ${(error as Error).message}`);
  }
  return state;
}

function putBack(layout: Layout, aside: string, state: PackageState): PackageState {
  const path = layout.stateFile(state.id);
  if (!isThere(path)) renameSync(aside, path);
  return state;
}
