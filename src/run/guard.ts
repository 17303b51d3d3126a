import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Guard } from '../job/job.js';
import type { StepEnd } from './steps.js';

/**
 * Most deletions one run may make in a dst of `files` entries: the guard's number; the guard's share, which never
 * counts for less than 1000; and half of what is there. The last is ours: without it the floor of 1000 would let an
 * empty upstream empty a small mirror. An empty dst has nothing to protect.
 */
export function deleteLimit(guard: Guard, files: number): number {
  if (files === 0) return guard.deletes;
  return Math.min(guard.deletes, Math.max(1000, Math.floor(guard.ratio * files)), Math.floor(files / 2));
}

/** What a person needs to know of deletions that are too many: the package, and some of the paths. */
export interface ToldDeletions {
  readonly id: string;
  readonly examples?: readonly string[];
}

/** How a run ends that is about to make more deletions than the guard allows, or null. */
export function tooMany(deletions: number, limit: number, told: ToldDeletions): StepEnd | null {
  if (deletions <= limit) return null;
  const { id, examples = [] } = told;
  const such = examples.length === 0 ? '' : `, such as ${examples.join(', ')}`;
  const cure = `if that is right: mirror run ${id} --allow-deletes ${deletions}`;
  const reason = `the delete guard: ${deletions} would be deleted, at most ${limit} may be${such}; ${cure}`;
  return { outcome: { kind: 'blocked', reason }, done: true, facts: { tripped: limit } };
}

/** Entries below a directory, where no run has recorded the number; stops at `enough`, beyond which no limit changes. */
export function countEntries(directory: string, enough: number): number {
  let entries = 0;
  const left = [directory];
  for (let path = left.pop(); path !== undefined && entries < enough; path = left.pop()) {
    for (const entry of list(path)) {
      entries += 1;
      if (entry.isDirectory()) left.push(join(path, entry.name));
    }
  }
  return entries;
}

/** How many entries `deleteLimit` can tell apart. */
export function enoughEntries(guard: Guard): number {
  return Math.max(2 * guard.deletes, guard.ratio > 0 ? guard.deletes / guard.ratio : 0);
}

function list(path: string): { name: string; isDirectory(): boolean }[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    // Unreadable for us: rsync will say so, and fewer entries only make the limit lower.
    return [];
  }
}
