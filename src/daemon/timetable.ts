import type { Schedule } from '../job/schedule.js';
import { nextSlot } from '../job/slots.js';

/** Which of several schedules have a slot, as time goes by. Times are epoch milliseconds. */
export interface Timetable {
  /** Names whose slot has come since the last look; each once, however many slots passed. */
  take(now: number): string[];
  /** When the next slot of any comes; Infinity when none does. */
  next(): number;
  /** Other schedules from `now` on: slots up to `now` are nobody's. */
  replace(schedules: ReadonlyMap<string, Schedule>, now: number): void;
}

/**
 * A timetable that starts at `now`. Every slot is counted from the clock as it is at that look, so nothing drifts; a clock
 * that leaps forward makes one start for all slots that it leapt over, and one that is set back counts anew from there.
 */
export function timetable(schedules: ReadonlyMap<string, Schedule>, now: number): Timetable {
  const rows = new Map<string, { readonly schedule: Schedule; next: number }>();
  let looked = now;
  let soonest = Infinity;
  const settle = (): void => {
    soonest = Math.min(Infinity, ...[...rows.values()].map(({ next }) => next));
  };
  const replace = (wanted: ReadonlyMap<string, Schedule>, at: number): void => {
    rows.clear();
    for (const [name, schedule] of wanted) rows.set(name, { schedule, next: nextAfter(schedule, at) });
    looked = at;
    settle();
  };
  replace(schedules, now);
  return {
    take(at) {
      if (at < looked) for (const row of rows.values()) row.next = nextAfter(row.schedule, at);
      else if (at < soonest) return [];
      looked = at;
      const taken: string[] = [];
      for (const [name, row] of rows) {
        if (row.next > at) continue;
        taken.push(name);
        row.next = nextAfter(row.schedule, at);
      }
      settle();
      return taken;
    },
    next: () => soonest,
    replace,
  };
}

function nextAfter(schedule: Schedule, at: number): number {
  return nextSlot(schedule, at) ?? Infinity;
}
