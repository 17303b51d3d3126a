import type { Schedule } from '../job/schedule.js';
import { hashedPhase } from '../model/phase.js';
import { difference, type Applied, type Difference } from './applied.js';
import { children, type Start } from './children.js';
import type { Clock } from './clock.js';
import { timetable } from './timetable.js';

/** Longest sleep: a clock that leaps, and an apply by somebody else, are seen after this many milliseconds. */
const LOOK = 10_000;

/** Milliseconds for runs to end when told to; an executor kills its tool after 10 s and then writes its state. */
const PATIENCE = 30_000;

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

/** The world as the daemon sees it. */
export interface Ports {
  readonly clock: Clock;
  readonly start: Start;
  /** `--root` and `-c`, for children that take them. */
  readonly options: { readonly root: readonly string[]; readonly config: readonly string[] };
  /** What is applied, or null. */
  readApplied(): Applied | null;
  /** Changes whenever an apply changes anything. */
  stamp(): string;
  dueNow(applied: Applied, now: number): readonly string[];
  /** Process ids of all runs that live. */
  livingRuns(applied: Applied): readonly number[];
  signal(pid: number, signal: NodeJS.Signals): void;
  say(event: Event): void;
}

/** A running daemon. */
export interface Daemon {
  /** When all is over; the number of runs that did not end in time. */
  readonly ended: Promise<number>;
  /** Applies the config and takes up what changed. Reloads that are asked for meanwhile make one more. */
  reload(): Promise<Difference | null>;
  /** Starts nothing more, tells every run to end and waits for them; the second call waits no longer. */
  stop(): void;
}

/**
 * The compiled schedule in one process: at every slot of a package it starts the executor that a timer or a cron line
 * would start, which then decides, waits for its limits and drops privileges as everywhere. It holds nothing but the
 * timetable: kill -9 loses nothing that the next start does not find in the state.
 */
export function daemon(ports: Ports, first: Applied): Daemon {
  const { clock } = ports;
  const say = (event: Event): void => ports.say(event);
  let applied = first;
  let stamp = ports.stamp();
  let stops = 0;
  let applying = false;
  const runs = children(ports.start, (name, end) => {
    // A run that was killed leaves a state that says SYNC; systemd's ExecStopPost= does the same.
    if (name !== TICK && end.signal !== null) publish();
  });
  const publish = (): void => runs.start(TICK, ['publish', ...ports.options.root]);
  const run = (id: string): void => runs.start(id, ['run', '--scheduled', ...ports.options.root, id]);
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
    for (const name of names) if (name === TICK) publish();
    for (const name of names) if (name !== TICK) run(name);
  };
  const look = (): void => {
    try {
      if (!applying && ports.stamp() !== stamp) takeUp();
    } catch (error) {
      say({ event: 'problem', message: (error as Error).message });
    }
  };
  const apply = async (): Promise<Difference | null> => {
    const { root, config } = ports.options;
    applying = true;
    const { code } = await ports.start(['apply', ...config, ...root], true).ended;
    applying = false;
    if (stops > 0) return null;
    if (code !== 0) {
      say({ event: 'not-applied', exit: code });
      return null;
    }
    return takeUp();
  };
  const reload = serially(apply);

  const main = async (): Promise<number> => {
    say({ event: 'started', packages: applied.jobs.size });
    for (const message of applied.problems) say({ event: 'problem', message });
    publish();
    begin(ports.dueNow(applied, clock.now()));
    while (stops === 0) {
      begin(table.take(clock.now()));
      look();
      const rest = table.next() - clock.now();
      await clock.sleep(Math.max(0, Math.min(LOOK, rest)));
    }
    runs.close();
    return end();
  };
  const end = async (): Promise<number> => {
    // Also what a push or a person started: as PID 1 we would take them along.
    const living = (): Set<number> => new Set([...runs.pids().values(), ...ports.livingRuns(applied)]);
    // It publishes for every run that has left that to it, and is soon over.
    const publisher = runs.pids().get(TICK);
    const told = [...living()].filter((pid) => pid !== publisher);
    say({ event: 'stopping', runs: told.length });
    for (const pid of told) ports.signal(pid, 'SIGTERM');
    const until = clock.now() + PATIENCE;
    while (living().size > 0 && clock.now() < until && stops < 2) await clock.sleep(100);
    const left = living().size;
    say({ event: 'stopped', left });
    return left;
  };
  return {
    ended: main(),
    reload,
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
