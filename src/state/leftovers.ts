import { readFileSync, rmSync } from 'node:fs';
import { readSmallText } from '../boundary/small-file.js';
import { RUN_VARIABLE } from '../job/run-mark.js';

/** A file with the number of a process is no longer than this. */
const LIMIT_BYTES = 64;

/**
 * Removes files by which a tool tells others that a sync is in progress. The caller holds the package's run lock, so no run of
 * ours is at work, whatever process has that number now. Only a tool that a person has started outside of mirror keeps its
 * file, and then refuses ours by its own words.
 */
export function removeLeftovers(paths: readonly string[]): void {
  for (const path of paths) if (!isOfAPersonsTool(path)) rmSync(path, { force: true });
}

function isOfAPersonsTool(path: string): boolean {
  let pid: number;
  try {
    pid = Number(readSmallText(path, { limitBytes: LIMIT_BYTES }));
  } catch {
    return false;
  }
  if (!Number.isInteger(pid) || pid <= 0) return false;
  const read = (file: string): string | null => {
    try {
      return readFileSync(`/proc/${String(pid)}/${file}`, 'latin1');
    } catch {
      return null;
    }
  };
  if (read('comm')?.trim() !== 'ftpsync') return false;
  // Another package's run has the mark of its executor. What another user runs does not show its environment.
  return read('environ')?.includes(`${RUN_VARIABLE}=`) !== true;
}
