import { readFileSync, statSync, utimesSync } from 'node:fs';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { idsIn } from '../state/store.js';
import { readWaiting } from '../state/waits-for.js';
import type { Waiting } from '../state/waits-for.js';
import { writeFileAtomic } from '../system/atomic.js';
import { tryLock } from '../system/flock.js';
import type { Lock } from '../system/flock.js';
import { removeQuietly } from '../system/if-there.js';
import { pause } from './pause.js';
import type { Interruption } from './signals.js';

/** Longest pause of a waiting run between two looks, and the age at which its note was left by a dead one; ms. */
const POLL = 2000;
const ABANDONED = 30_000;

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

interface Pool {
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
  const file = layout.waitingFile(wish.id);
  const me: Waiting = {
    for: pool.name,
    since: Date.now(),
    last_success: wish.lastSuccess,
  };
  let queued = false;
  try {
    for (;;) {
      const ahead = queue(layout, pool.name, wish.id).filter(
        (other) => !queued || isAhead(other, { id: wish.id, ...me }),
      );
      if (ahead.length === 0 && (pool.load === null || loadAverage() <= pool.load)) {
        if (pool.size <= 0) return null;
        const lock = anyFree(layout, pool);
        if (lock !== null) return lock;
      }
      if (queued) {
        touch(file);
      } else {
        writeFileAtomic(file, JSON.stringify(me), 0o664);
        queued = true;
        announce();
      }
      const poll = Math.min(POLL, 100 + 20 * ahead.length);
      const end = await pause(Math.min(wish.until, Date.now() + poll), interruption);
      if (end === 'interrupted') return 'interrupted';
      if (Date.now() >= wish.until) return 'busy';
    }
  } finally {
    if (queued) removeQuietly(file);
  }
}

/**
 * Others that wait for the same pool and still live. Not told by their pids: in a sandbox (PrivateUsers=, ProtectProc=)
 * no run sees another's process. Who waits touches its note at every look.
 */
function queue(layout: Layout, pool: string, self: string): (Waiting & { readonly id: string })[] {
  return idsIn(layout, 'waiting').flatMap((id) => {
    const waiting = id === self ? null : readWaiting(layout, id);
    return waiting?.for === pool && isFresh(layout.waitingFile(id)) ? [{ id, ...waiting }] : [];
  });
}

/** Oldest success first, never synced before all; then who came first. */
function isAhead(other: Waiting & { id: string }, me: Waiting & { id: string }): boolean {
  const rank = (w: Waiting): number => w.last_success ?? -1;
  if (rank(other) !== rank(me)) return rank(other) < rank(me);
  return other.since !== me.since ? other.since < me.since : other.id < me.id;
}

function isFresh(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs < ABANDONED;
}

function touch(path: string): void {
  const now = Date.now() / 1000;
  try {
    utimesSync(path, now, now);
  } catch {
    // Swept, or its directory is gone: this run keeps waiting, only its place in the queue is lost.
  }
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
