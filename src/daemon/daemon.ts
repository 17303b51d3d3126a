import type { Provision } from '../boundary/root-service.js';
import type { Job } from '../job/job.js';
import type { Schedule } from '../job/schedule.js';
import { hashedPhase } from '../model/phase.js';
import { difference, type Applied, type Difference } from './applied.js';
import { oneAtATime, type Child, type Starter } from './children.js';
import type { Clock } from './clock.js';
import { keepSeat, type Serve } from './connections.js';
import { endAllRuns } from './ending.js';
import { obeyOrder } from './orders.js';
import { timetable } from './timetable.js';

/** Longest sleep: a clock that leaps, and an apply by somebody else, are seen after this many milliseconds. */
const LOOK_MS = 10_000;

/** Longest life of a publisher and of an errand in milliseconds: one that hangs must not keep the next tick from its work. */
const TICK_LIMIT_MS = 840_000;

/** Longest life of a connection's process in milliseconds; it ends itself after 300 s. */
const CONNECTION_LIMIT_MS = 360_000;

/** The name among packages of `mirror publish`: no package id is empty. */
const TICK = '';

/** What the daemon tells whoever watches. */
export type Event =
  | { readonly event: 'started'; readonly packages: number }
  | ({ readonly event: 'reloaded'; readonly packages: number } & Difference)
  /** The config could not be applied; the packages go on as they were. */
  | { readonly event: 'not-applied'; readonly exit: number | null }
  | { readonly event: 'problem'; readonly message: string }
  | { readonly event: 'stopping'; readonly runs: number }
  /** `left`: runs that did not end in time. */
  | { readonly event: 'stopped'; readonly left: number };

/** The world as the daemon sees it: nothing in it but what root alone can write, and its own children. */
export interface Ports {
  readonly clock: Clock;
  readonly starter: Starter;
  /** `-c` and `--allow-outside`, for apply. */
  readonly config: readonly string[];
  /** What is applied, or null. */
  readApplied(): Applied | null;
  /** Changes whenever an apply changes anything. */
  stamp(): string;
  readSecrets(job: Job): Provision['secrets'];
  say(event: Event): void;
}

/** A running daemon. */
export interface Daemon {
  /** When all is over; the number of runs that did not end in time. */
  readonly ended: Promise<number>;
  /** Applies the config and takes up what changed. Reloads that are asked for meanwhile make one more. */
  reload(): Promise<Difference | null>;
  /** Has a process of the site's user serve a connection of the control socket. */
  readonly serve: Serve;
  /** Starts nothing more, tells every run to end and waits for them; the second call waits no longer. */
  stop(): void;
}

/**
 * The compiled schedule in one process: at every slot of a package it starts the executor that a timer or a cron line
 * would start, as the package's user; the executor then decides and waits for its limits as everywhere. The daemon holds
 * nothing but the timetable: kill -9 loses nothing that the next start does not find in the state. It may be root, so it
 * leaves whatever lies in a place of other users to processes of theirs, and believes none of them.
 */
export function daemon(ports: Ports, first: Applied): Daemon {
  const { clock, starter } = ports;
  const say = (event: Event): void => ports.say(event);
  let applied = first;
  let stamp = ports.stamp();
  let stops = 0;
  let applying = false;
  const obey = (order: string): Promise<string | null> =>
    obeyOrder(order, {
      starter,
      jobOf: (id) => applied.jobs.get(id),
      run: (id) => {
        runs.start(id);
        return stops === 0;
      },
      runOf: (id) => runs.living().get(id),
    });
  const asSite = (words: readonly string[]): Child =>
    starter.asUser({ words, account: applied.site.run_as, limitMs: TICK_LIMIT_MS, obey });
  const run = (job: Job | undefined): Child | null => {
    if (job === undefined) return null;
    const words = ['run', '--scheduled', job.id];
    return starter.asUser({ words, account: job.run_as, secrets: ports.readSecrets(job), obey });
  };
  const runs = oneAtATime(
    (name) => (name === TICK ? asSite(['publish']) : run(applied.jobs.get(name))),
    (name, end) => {
      // A run that was killed leaves a state that says SYNC; systemd's ExecStopPost= does the same. One whose user has a realm
      // may not publish.
      const isLeft = end.signal !== null || applied.jobs.get(name)?.run_as.realm === true;
      if (name !== TICK && isLeft) runs.start(TICK);
    },
  );
  const table = timetable(schedules(applied), clock.now());

  const takeUp = (): Difference | null => {
    stamp = ports.stamp();
    const after = ports.readApplied();
    if (after === null) return null;
    const changes = difference(applied, after);
    begin(table.take(clock.now()));
    applied = after;
    table.replace(schedules(applied), clock.now());
    for (const message of after.problems) say({ event: 'problem', message });
    say({ event: 'reloaded', packages: applied.jobs.size, ...changes });
    return changes;
  };
  const begin = (names: readonly string[]): void => {
    for (const name of names) if (name === TICK) runs.start(name);
    for (const name of names) if (name !== TICK) runs.start(name);
  };
  const look = (): void => {
    try {
      if (!applying && ports.stamp() !== stamp) takeUp();
    } catch (error) {
      say({ event: 'problem', message: (error as Error).message });
    }
  };
  const apply = async (): Promise<Difference | null> => {
    applying = true;
    const { code } = await starter.own({ words: ['apply', ...ports.config], quiet: true }).ended;
    applying = false;
    if (stops > 0) return null;
    if (code !== 0) {
      say({ event: 'not-applied', exit: code });
      return null;
    }
    return takeUp();
  };
  const reload = serially(apply);
  const answerReload = async (): Promise<string> => {
    const changes = await reload();
    return changes === null
      ? 'the config was not applied; the daemon’s messages say why'
      : JSON.stringify(changes);
  };

  const main = async (): Promise<number> => {
    say({ event: 'started', packages: applied.jobs.size });
    for (const message of applied.problems) say({ event: 'problem', message });
    runs.start(TICK);
    const finder = asSite(['daemon', '--errand', 'find-due']);
    while (stops === 0) {
      begin(table.take(clock.now()));
      look();
      const rest = table.next() - clock.now();
      await clock.sleep(Math.max(0, Math.min(LOOK_MS, rest)));
    }
    runs.close();
    const living = [...runs.living()];
    return endAllRuns({
      clock,
      starter,
      applied,
      runs: living.flatMap(([name, child]) => (name === TICK ? [] : [child])),
      helpers: [finder, ...living.flatMap(([name, child]) => (name === TICK ? [child] : []))],
      isHurried: () => stops > 1,
      say,
    });
  };
  return {
    ended: main(),
    reload,
    serve: (connection, seat) =>
      starter.asUser({
        words: ['control', '--daemon'],
        account: applied.site.run_as,
        limitMs: CONNECTION_LIMIT_MS,
        connection,
        obey: async (order) => {
          if (keepSeat(seat, order)) return null;
          return order === 'reload' ? answerReload() : obey(order);
        },
      }),
    stop: () => {
      stops += 1;
      clock.wake();
    },
  };
}

/** Every package's schedule and the tick's, at the same minutes as cron's tick. */
function schedules({ site, jobs }: Applied): ReadonlyMap<string, Schedule> {
  const phase = hashedPhase(site.node, 'mirror-tick', 15, [], 'UTC') * 60;
  const tick: Schedule = { rule: { kind: 'interval', every: 900, phase }, windows: [], zone: 'UTC' };
  return new Map([[TICK, tick], ...[...jobs].map(([id, { schedule }]) => [id, schedule] as const)]);
}

/** Calls `action` one at a time; calls that come while one waits for its turn share that turn. */
function serially<T>(action: () => Promise<T>): () => Promise<T> {
  let current: Promise<unknown> = Promise.resolve();
  let waiting: Promise<T> | null = null;
  return () => {
    if (waiting) return waiting;
    const turn = current.then(() => {
      waiting = null;
      return action();
    });
    waiting = turn;
    current = turn.catch(() => undefined);
    return turn;
  };
}
