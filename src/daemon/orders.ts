import { isRootAccount } from '../boundary/as-user.js';
import { describeUnknownOrder, NOTIFY_LIMIT_MS, parseOrder, STOP_LIMIT_MS } from '../boundary/order.js';
import type { Job } from '../job/job.js';
import type { Child, Starter } from './children.js';

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
export async function obeyOrder(text: string, reach: Reach): Promise<string | null> {
  const order = parseOrder(text);
  if (order === null) return describeUnknownOrder(text);
  if (order.verb === 'notify') {
    // It hands itself over once it has read the webhook's file.
    const { code } = await reach.starter.own({ words: ['notify'], quiet: true, limitMs: NOTIFY_LIMIT_MS })
      .ended;
    return code === 0 ? null : 'not every notice was sent';
  }
  const job = reach.jobOf(order.id);
  if (job === undefined) return `no package ${JSON.stringify(order.id)} of the daemon is applied here`;
  if (order.verb === 'start') return reach.run(order.id) ? null : 'the daemon is ending';
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
