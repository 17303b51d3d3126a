import { isRootAccount } from '../boundary/as-user.js';
import type { Job } from '../job/job.js';
import type { Child, Starter } from './children.js';

/** Milliseconds for what an order waits for: its user may have stopped it. */
const NOTIFY_LIMIT_MS = 600_000;
const STOP_LIMIT_MS = 120_000;

/** What an order can reach. */
export interface Reach {
  readonly starter: Starter;
  /** The job of a package that is applied here for the daemon. */
  readonly jobOf: (id: string) => Job | undefined;
  /** Starts a package's executor, or has it run once more; false when the daemon is ending. */
  readonly run: (id: string) => boolean;
  /** The package's executor, if the daemon started it. */
  readonly runOf: (id: string) => Child | undefined;
}

/**
 * Carries out what a process of another user asks the daemon for, over the channel that it was started with: `start ID`,
 * `stop ID` and `notify`. An order can name nothing but an applied package. Null when it was done, else why not.
 */
export async function obeyOrder(order: string, reach: Reach): Promise<string | null> {
  if (order === 'notify') {
    // It hands itself over once it has read the webhook's file.
    const { code } = await reach.starter.own({ words: ['notify'], quiet: true, limitMs: NOTIFY_LIMIT_MS })
      .ended;
    return code === 0 ? null : 'not every notice was sent';
  }
  const [, verb, id = ''] = /^(start|stop) (.{1,64})$/.exec(order) ?? [];
  if (verb === undefined) return `unknown order ${JSON.stringify(order.slice(0, 100))}`;
  const job = reach.jobOf(id);
  if (job === undefined) return `no package ${JSON.stringify(id)} of the daemon is applied here`;
  if (verb === 'start') return reach.run(id) ? null : 'the daemon is ending';
  return stopRunOf(job, reach);
}

/** The daemon's own child by its handle; a run that something else started only with the rights of its user. */
async function stopRunOf(job: Job, { starter, runOf }: Reach): Promise<string | null> {
  const child = runOf(job.id);
  if (child) {
    child.signal('SIGTERM');
    return null;
  }
  if (isRootAccount(job.run_as)) return `${job.id} runs as root: end it with kill`;
  const obey = (): Promise<string> => Promise.resolve('the run belongs to another user');
  const task = {
    words: ['stop', '--', job.id],
    account: job.run_as,
    quiet: true,
    obey,
    limitMs: STOP_LIMIT_MS,
  };
  const { code } = await starter.asUser(task).ended;
  return code === 0 ? null : `${job.id} still runs`;
}
