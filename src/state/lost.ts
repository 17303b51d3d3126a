import type { Layout } from '../job/layout.js';
import { isOverdue } from './alive.js';
import { appendHistory } from './history.js';
import type { PackageState } from './package-state.js';
import { runLost } from './reduce.js';
import { clearStop, readStop, writeState } from './store.js';

/**
 * Records the end of a run whose executor died without a word, at `now` (epoch ms), and forgets the stop that it may have
 * been given. Only for the holder of the package's run lock. Returns the state after it.
 */
export function recordLost(layout: Layout, state: PackageState, now: number): PackageState {
  const stopped = readStop(layout, state.id) !== null;
  const overdue = state.run !== null && isOverdue(state.run, now);
  const ended = runLost(state, now, stopped ? 'stopped' : overdue ? 'timed-out' : 'interrupted');
  writeState(layout, ended);
  if (ended.last !== null) appendHistory(layout, state.id, ended.last);
  clearStop(layout, state.id);
  return ended;
}
