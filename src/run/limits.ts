import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { listWaiting } from '../state/waits-for.js';
import { tryLock } from '../system/flock.js';
import type { Lock } from '../system/flock.js';
import type { Interruption } from './signals.js';

/** Who wants slots, and until when (epoch ms) it is worth waiting. */
export interface SlotWish {
  readonly id: string;
  readonly upstream: string | null;
  readonly limits: Job['limits'];
  readonly lastSuccess: number | null;
  readonly until: number;
}

/**
 * Takes an upstream slot, then a site slot, each a kernel lock on one of N files that the tool inherits. While none is
 * free, runs queue by oldest success. `waits` is called once when this run has to wait. A limit of 0 is no limit.
 */
export async function acquireSlots(
  layout: Layout,
  wish: SlotWish,
  interruption: Interruption,
  waits: () => void,
): Promise<Lock[] | 'busy' | 'interrupted'> {
  const pools = poolsFor(wish.upstream, wish.limits);
  const held: Lock[] = [];
  let announced = false;
  const announce = (): void => {
    if (!announced) waits();
    announced = true;
  };
  for (const pool of pools) {
    const got = await acquire(layout, wish, pool, interruption, announce);
    if (typeof got === 'string') {
      releaseAll(held);
      return got;
    }
    if (got !== null) held.push(got);
  }
  return held;
}

/** Returns the pools that a run from an upstream takes a slot of, in the order in which it does. */
export function poolsFor(upstream: string | null, limits: Job['limits']): Pool[] {
  return [
    ...(upstream === null
      ? []
      : [{ name: `upstream-${safeName(upstream)}`, size: limits.per_upstream, load: null }]),
    { name: 'site', size: limits.concurrent, load: limits.load_max },
  ].filter((pool) => pool.size > 0 || pool.load !== null);
}

/** Lets others have the slots. */
export function releaseAll(locks: readonly Lock[]): void {
  for (const lock of locks) lock.release();
}

/** Slots of one kind. */
export interface Pool {
  readonly name: string;
  /** Number of slots; 0 for a pool that only has a limit of load. */
  readonly size: number;
  /** Load average above which nothing new starts, or null. */
  readonly load: number | null;
}

/** null: got through a pool that has no slots of its own (only a load limit). */
async function acquire(
  layout: Layout,
  wish: SlotWish,
  pool: Pool,
  interruption: Interruption,
  announce: () => void,
): Promise<Lock | null | 'busy' | 'interrupted'> {
  // Most runs need not wait; the queue is code of its own.
  const free = listWaiting(layout, Date.now()).length === 0 ? tryPool(layout, pool) : 'full';
  if (free !== 'full') return free;
  return (await import('./special/index.js')).queueForSlot(layout, wish, pool, interruption, announce);
}

/** A slot of the pool, null where it has none to take, or `full`. */
export function tryPool(layout: Layout, pool: Pool): Lock | null | 'full' {
  if (pool.load !== null && loadAverage() > pool.load) return 'full';
  return pool.size <= 0 ? null : (anyFree(layout, pool) ?? 'full');
}

function anyFree(layout: Layout, pool: Pool): Lock | null {
  for (let i = 0; i < pool.size; i++) {
    const lock = lockSlot(layout.slotLock(pool.name, i));
    if (lock !== null) return lock;
  }
  return null;
}

/** The directory is missing where no setup ran since an older version, which had none. */
function lockSlot(path: string): Lock | null {
  try {
    return tryLock(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    return tryLock(path);
  }
}

function loadAverage(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}

function safeName(host: string): string {
  return host.replace(/[^A-Za-z0-9.-]/g, '_');
}
