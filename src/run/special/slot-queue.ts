import { lutimesSync } from 'node:fs';
import type { Layout } from '../../job/layout.js';
import { writeRecord } from '../../state/record-file.js';
import { listWaiting } from '../../state/waits-for.js';
import type { Waiting } from '../../state/waits-for.js';
import type { Lock } from '../../system/flock.js';
import { removeQuietly } from '../../system/if-there.js';
import { tryPool } from '../limits.js';
import type { Pool, SlotWish } from '../limits.js';
import { pause } from '../pause.js';
import type { Interruption } from '../signals.js';

/** Longest pause of a waiting run between two looks, and the age at which its note was left by a dead one; ms. */
const POLL = 2000;
const ABANDONED = 30_000;

/**
 * Takes a slot of a pool when it is this run's turn; null: got through a pool that has no slots of its own. `announce` is
 * called when the run has to wait.
 */
export async function queueForSlot(
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
      const free = ahead.length === 0 ? tryPool(layout, pool) : 'full';
      if (free !== 'full') return free;
      if (queued) {
        touch(file);
      } else {
        writeRecord(file, me);
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
  return listWaiting(layout, Date.now()).filter(
    (waiting) => waiting.id !== self && waiting.for === pool && waiting.ageMs < ABANDONED,
  );
}

/** Oldest success first, never synced before all; then who came first. */
function isAhead(other: Waiting & { id: string }, me: Waiting & { id: string }): boolean {
  const rank = (w: Waiting): number => w.last_success ?? -1;
  if (rank(other) !== rank(me)) return rank(other) < rank(me);
  return other.since !== me.since ? other.since < me.since : other.id < me.id;
}

function touch(path: string): void {
  const now = Date.now() / 1000;
  try {
    lutimesSync(path, now, now);
  } catch {
    // Swept, or its directory is gone: this run keeps waiting, only its place in the queue is lost.
  }
}
