import type { Applied } from '../../src/daemon/applied.js';
import type { Child, Starter } from '../../src/daemon/children.js';
import type { Ports } from '../../src/daemon/daemon.js';
import type { Schedule } from '../../src/job/schedule.js';

/** What is applied, as far as the daemon looks at it: packages by id with their schedules, all of the site's user. */
export function appliedOf(schedules: Readonly<Record<string, Schedule>>): Applied {
  const run_as = { user: 'mirror', group: 'mirror' };
  const jobs = new Map(
    Object.entries(schedules).map(([id, schedule]) => [id, { id, schedule, scheduler: 'daemon', run_as }]),
  );
  return { site: { node: 'test', run_as }, jobs, texts: new Map(), problems: [] } as unknown as Applied;
}

/** A world in which nobody asks for anything or hears of it. */
export function quiet(applied: Applied): Omit<Ports, 'clock' | 'starter'> {
  return {
    config: [],
    readApplied: () => applied,
    stamp: () => 'same',
    readSecrets: () => ({}),
    say: () => undefined,
  };
}

/** Starts no process: `start` is asked for a child, and given the words and what the child may order. */
export function starterOf(
  start: (words: readonly string[], obey: (order: string) => Promise<string | null>) => Child,
): Starter {
  return {
    canBecomeUsers: true,
    own: ({ words }) => start(words, () => Promise.resolve(null)),
    asUser: ({ words, obey }) => start(words, obey),
  };
}

/** A child that ends when `end` is called; `heard` gets its signals. */
export function living(pid: number, heard: (name: string) => void): Child & { readonly end: () => void } {
  let end = (): void => undefined;
  const ended = new Promise<{ code: number; signal: null }>(
    (done) => (end = () => done({ code: 0, signal: null })),
  );
  return { pid, ended, signal: heard, end };
}

/** A child that has ended. */
export function over(): Child {
  const child = living(1, () => undefined);
  child.end();
  return child;
}
