import type { Interruption } from './signals.js';

/** Why a pause ended: its time came, `woken()` said so, or a signal. */
export type PauseEnd = 'elapsed' | 'woken' | 'interrupted';

/**
 * Sleeps until `until` (epoch ms, the wall clock: a suspended machine wakes up on time), looking every `poll`
 * milliseconds whether `woken()`.
 */
export async function pause(
  until: number,
  interruption: Interruption,
  woken: () => boolean = () => false,
  poll = 1000,
): Promise<PauseEnd> {
  for (;;) {
    if (interruption.signal !== null) return 'interrupted';
    if (woken()) return 'woken';
    const left = until - Date.now();
    if (left <= 0) return 'elapsed';
    await sleep(Math.min(left, poll), interruption);
  }
}

/** Resolves after `milliseconds`, or at once when a signal comes. */
function sleep(milliseconds: number, interruption: Interruption): Promise<void> {
  return new Promise((done) => {
    const finish = (): void => {
      clearTimeout(timer);
      unsubscribe();
      done();
    };
    const timer = setTimeout(finish, milliseconds);
    const unsubscribe = interruption.subscribe(finish);
  });
}
