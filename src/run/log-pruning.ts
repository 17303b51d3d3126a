import { statSync } from 'node:fs';
import type { Keep } from '../job/job.js';
import { isSuccess } from '../job/outcome.js';
import type { OutcomeKind } from '../job/outcome.js';
import type { PackageState, RunRecord } from '../state/package-state.js';
import { removeQuietly } from '../system/if-there.js';

/** Pruning happens when a run ends in another quarter of a day than the one before: hourly packages need no more. */
const EVERY = 6 * 3_600_000;

/** History forgets the oldest of about 1000 runs; a log whose run it forgot would never be pruned. */
const MOST = 600;

/** Whether this run's end is the time to prune; the first run of a package has nothing to prune. */
export function isPruningTime(previousEnd: number | null, ended: number): boolean {
  return previousEnd !== null && Math.floor(previousEnd / EVERY) !== Math.floor(ended / EVERY);
}

/**
 * Removes a package's logs that `logger.keep` no longer wants: older than their kind is kept, or, oldest first, beyond
 * `total` bytes. The logs that the state names as the last success and error stay.
 */
export function pruneLogs(keep: Keep, state: PackageState, history: readonly RunRecord[], now: number): void {
  const needed = new Set([state.last_success_log, state.last_error_log, state.last?.log, state.run?.log]);
  let bytes = 0;
  let logs = 0;
  const seen = new Set<string>();
  for (const { outcome, ended, log } of [...history].reverse()) {
    if (log === null || seen.has(log)) continue;
    seen.add(log);
    const size = statSync(log, { throwIfNoEntry: false })?.size;
    if (size === undefined) continue;
    logs += 1;
    bytes += size;
    const expired = now - ended > keepSeconds(keep, outcome) * 1000;
    if (!needed.has(log) && (expired || bytes > keep.total || logs > MOST)) {
      removeLog(log);
      bytes -= size;
      logs -= 1;
    }
  }
}

/** A kill -9 while a log was compressed leaves it under both names, or half of the new one. */
function removeLog(path: string): void {
  const plain = path.replace(/\.gz$/, '');
  for (const name of [plain, `${plain}.gz`, `${plain}.gz.tmp`]) removeQuietly(name);
}

/** Which of `keep`'s periods an outcome falls under. */
export function keepSeconds(keep: Keep, outcome: OutcomeKind): number {
  if (outcome === 'unchanged') return keep.unchanged;
  return isSuccess({ kind: outcome }) ? keep.ok : keep.failed;
}
