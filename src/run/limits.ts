import { readFileSync } from 'node:fs';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { idsIn } from '../state/store.js';
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
  const { upstream, limits } = wish;
  const pools = [
    ...(upstream === null
      ? []
      : [{ name: `upstream-${safeName(upstream)}`, size: limits.per_upstream, load: null }]),
    { name: 'site', size: limits.concurrent, load: limits.load_max },
  ].filter((pool) => pool.size > 0 || pool.load !== null);
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

/** Lets others have the slots. */
export function releaseAll(locks: readonly Lock[]): void {
  for (const lock of locks) lock.release();
}

/** Slots of one kind. */
export interface Pool {
  readonly name: string;
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
  const free = idsIn(layout, 'waiting').length === 0 ? tryPool(layout, pool) : 'full';
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
    const lock = tryLock(layout.slotLock(pool.name, i));
    if (lock !== null) return lock;
  }
  return null;
}

function loadAverage(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}

function safeName(host: string): string {
  return host.replace(/[^A-Za-z0-9.-]/g, '_');
}
