import { readdirSync } from 'node:fs';
import { isThrough } from '../../job/outcome.js';
import type { ExecStep } from '../../job/step.js';
import { currentLimit, executeStep } from '../exec.js';
import { figures } from '../figures.js';
import type { StepEnd, Turn } from '../steps.js';
import { bytes, latin1 } from './names.js';
import { Nested } from './nested.js';

/**
 * Runs a tool that nothing can keep from deleting, and counts what it deleted: entries of dst that were there before and are
 * not afterwards, however the tool ended. More than the guard allows block the package, so that the next run deletes nothing
 * more until a person has looked. With `watch_deletions: 'told'` they are only counted.
 */
export async function runWatched(turn: Turn, step: ExecStep): Promise<StepEnd> {
  const { job, state } = turn.session;
  const limit = step.watch_deletions === 'told' ? Infinity : currentLimit(job, state, turn.allowDeletes);
  const nested = new Nested(job);
  const before = entriesOf(job.dst, nested);
  const end = await executeStep(turn, step, 'pass');
  const after = entriesOf(job.dst, nested);
  const deleted = countGone(before, after);
  const transfer = { ...(end.transfer ?? figures({})), files: after.length, deleted };
  const { omissions } = end;
  if (deleted <= limit) return { outcome: end.outcome, done: !isThrough(end.outcome), transfer, omissions };
  const ended = 'reason' in end.outcome ? `; it ended with: ${end.outcome.reason}` : '';
  const reason = `the delete guard: the command has deleted ${String(deleted)} entries, at most ${String(limit)} may be${ended}`;
  return {
    outcome: { kind: 'blocked', reason },
    done: true,
    transfer,
    omissions,
    facts: { tripped: limit },
  };
}

/** A number for each path below a directory, sorted: a million of them take 8 MB. Links are not followed. */
function entriesOf(directory: string, nested: Nested): Float64Array {
  const top = latin1(directory);
  let found = new Float64Array(1024);
  let length = 0;
  const left = [''];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    for (const entry of list(`${top}/${at}`)) {
      const path = at === '' ? entry.name : `${at}/${entry.name}`;
      if (nested.covers(path)) continue;
      if (length === found.length) {
        const larger = new Float64Array(2 * length);
        larger.set(found);
        found = larger;
      }
      found[length++] = numberOf(path);
      if (entry.isDirectory()) left.push(path);
    }
  }
  return found.subarray(0, length).sort();
}

/** How many numbers of a sorted list are not in another one. */
function countGone(before: Float64Array, after: Float64Array): number {
  let gone = 0;
  let at = 0;
  for (const number of before) {
    while ((after[at] ?? Infinity) < number) at += 1;
    if (after[at] !== number) gone += 1;
  }
  return gone;
}

/** 53 bits of two FNV-1a hashes: of a million paths, two have the same number once in some 20,000 trees. */
function numberOf(path: string): number {
  let [low, high] = [0x811c9dc5, 0x01234567];
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x01000193) ^ (low >>> 15);
  }
  return (high >>> 11) * 0x100000000 + (low >>> 0);
}

/** What another process removes meanwhile, or nobody may read, has no entries. */
function list(path: string): { name: string; isDirectory(): boolean }[] {
  try {
    return readdirSync(bytes(path), { withFileTypes: true, encoding: 'latin1' });
  } catch {
    return [];
  }
}
