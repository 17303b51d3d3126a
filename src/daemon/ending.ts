import { isRootAccount, type Account } from '../boundary/as-user.js';
import type { Applied } from './applied.js';
import type { Child, Starter } from './children.js';
import type { Clock } from './clock.js';
import type { Event } from './daemon.js';

/** Milliseconds for runs to end when told to; an executor kills its tool after 10 s and then writes its state. */
const PATIENCE_MS = 30_000;

/** Milliseconds for an errand to find what else runs, and for helpers once nothing runs. */
const SHORT_MS = 5000;

/** Milliseconds for the kernel and the errands to end what is killed. */
const KILL_MS = 2000;

/** What is there to end. */
export interface Ending {
  readonly clock: Clock;
  readonly starter: Starter;
  readonly applied: Applied;
  /** Executors that the daemon started. */
  readonly runs: readonly Child[];
  /** `mirror publish`, on which runs that are over rely, and errands: they are soon over. */
  readonly helpers: readonly Child[];
  /** Whether to wait no longer. */
  readonly isHurried: () => boolean;
  readonly say: (event: Event) => void;
}

/**
 * Tells every run to end and waits; what is deaf is killed. Signals from here reach the daemon's own children alone. Runs
 * that a push or a person started (as PID 1 the daemon would take them along) are ended by an errand of each user that
 * packages run as. Resolves with the number of runs that did not end in time.
 */
export async function endAllRuns(ending: Ending): Promise<number> {
  const { clock, isHurried, say } = ending;
  const own = livingOf(ending.runs);
  for (const child of own) child.signal('SIGTERM');
  const others = sendErrands(ending);
  const living = (): number => own.size + others.runs.size;
  const wait = async (ms: number, isOver: () => boolean): Promise<void> => {
    const until = clock.now() + ms;
    while (!isOver() && clock.now() < until && !isHurried()) await clock.sleep(50);
  };
  const told = own.size;
  await wait(SHORT_MS, () => others.searching.size === 0);
  say({ event: 'stopping', runs: told + others.found() });
  await wait(PATIENCE_MS, () => living() === 0);
  if (living() > 0 && !isHurried()) {
    for (const child of own) child.signal('SIGKILL');
    for (const errand of others.errands) errand.signal('SIGTERM');
    await wait(KILL_MS, () => living() === 0);
  }
  const helpers = livingOf([...ending.helpers, ...others.errands]);
  await wait(SHORT_MS, () => helpers.size === 0);
  for (const child of helpers) child.signal('SIGKILL');
  const left = living();
  say({ event: 'stopped', left });
  return left;
}

/** Those that live, as time goes by. */
function livingOf(children: readonly Child[]): ReadonlySet<Child> {
  const living = new Set(children);
  for (const child of living) void child.ended.then(() => living.delete(child));
  return living;
}

interface Others {
  readonly errands: readonly Child[];
  /** Errands that have not found all runs of their user yet. */
  readonly searching: ReadonlySet<Child>;
  /** Pids of runs that errands have told to end, and that live. They are counted and never signalled. */
  readonly runs: ReadonlySet<string>;
  /** How many there were. */
  found(): number;
}

function sendErrands({ starter, applied, runs }: Ending): Others {
  const accounts = starter.canBecomeUsers ? accountsOf(applied) : [applied.site.run_as];
  const own = new Set(runs.map(({ pid }) => String(pid)));
  const living = new Set<string>();
  const searching = new Set<Child>();
  let found = 0;
  const errands = accounts.map((account) => {
    const mine = new Set<string>();
    const obey = (order: string): Promise<string | null> => {
      const [, verb, pid = ''] = /^(end|ended|all-told)(?: (\d{1,10}))?$/.exec(order) ?? [];
      if (verb === 'all-told') searching.delete(errand);
      else if (verb === 'ended') forget(pid);
      else if (verb === 'end' && !own.has(pid) && found < applied.jobs.size) {
        found += 1;
        living.add(pid);
        mine.add(pid);
      } else return Promise.resolve('not to be ended');
      return Promise.resolve(null);
    };
    const forget = (pid: string): void => {
      if (mine.delete(pid)) living.delete(pid);
    };
    const errand = starter.asUser({ words: ['daemon', '--errand', 'end-runs'], account, obey });
    searching.add(errand);
    void errand.ended.then(() => {
      searching.delete(errand);
      for (const pid of mine) living.delete(pid);
    });
    return errand;
  });
  return { errands, searching, runs: living, found: () => found };
}

/**
 * The site's user and those of packages with one of their own. No errand runs as root: of packages that do, only runs that
 * are children of the daemon are ended.
 */
function accountsOf({ site, jobs }: Applied): Account[] {
  const own = [...jobs.values()].map(({ run_as }) => run_as).filter((account) => !isRootAccount(account));
  const all: Account[] = [site.run_as, ...own];
  return [...new Map(all.map((account) => [String(account.user), account])).values()];
}
