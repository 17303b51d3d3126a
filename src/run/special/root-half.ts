import { spawn } from 'node:child_process';
import { isRootAccount, UnknownAccount } from '../../boundary/as-user.js';
import type { Account } from '../../boundary/as-user.js';
import { handOver, LateChild } from '../../boundary/handover.js';
import { describeUnknownOrder, NOTIFY_LIMIT_MS, parseOrder, STOP_LIMIT_MS } from '../../boundary/order.js';
import type { Provision } from '../../boundary/root-service.js';
import type { Job } from '../../job/job.js';
import { layout as layoutOf, type Layout } from '../../job/layout.js';
import { EXIT } from '../../job/outcome.js';
import { readSiteFile } from '../../state/site.js';
import { writeStderr } from '../console.js';
import { readJob } from '../job-file.js';
import { describeForeignState } from './foreign-state.js';
import { readSecretsAsRoot } from './root-secrets.js';
import { startRun } from '../start-run.js';
import { commandUnit, unitOf } from '../unit.js';
import { whoAsks } from '../who.js';

/** The live system's: below `--root` nothing is handed over. */
const LIVE = layoutOf('');

/** Milliseconds after which root waits no longer for a process that its user may have stopped: a tick comes every 15 minutes. */
export const PUBLISH_LIMIT_MS = 840_000;

/**
 * Runs a job as its user, root having read its secrets; one that only asks a unit to run needs the site's user and no secret.
 * Resolves with the exit code, or with null when that user is root. Below `--root` it refuses a state that is not root's.
 */
export async function handOverRun(
  layout: Layout,
  job: Job,
  byUnit: boolean,
  words: readonly string[],
): Promise<number | null> {
  if (layout.root !== '') return refuseForeignState(layout);
  const site = byUnit ? readSiteFile(LIVE) : null;
  const account = site?.run_as ?? job.run_as;
  if (isRootAccount(account)) return null;
  const secrets = site ? {} : Object.fromEntries(readSecretsAsRoot(job));
  const code = await handOverCommand(account, words, secrets);
  // A user with a realm cannot publish what its run did.
  const publisher = job.run_as.realm && !byUnit ? readSiteFile(LIVE)?.run_as : undefined;
  if (publisher) await handOverCommand(publisher, ['publish'], {}, PUBLISH_LIMIT_MS);
  return code;
}

/** Says why root must not work on this state, and returns the exit code; null when it may. */
export function refuseForeignState(layout: Layout): number | null {
  const problem = describeForeignState(layout);
  if (problem === null) return null;
  writeStderr(`mirror: ${problem}`);
  return EXIT.needsPerson;
}

/**
 * Runs a command as an account, for at most `limitMs`. Resolves with the exit code. An unknown account, and a command that
 * did not end within its limit (exit 124), are said on stderr.
 */
export async function handOverCommand(
  account: Account,
  words: readonly string[],
  secrets: Provision['secrets'] = {},
  limitMs?: number,
): Promise<number> {
  try {
    return await handOver({ account, words, secrets, by: whoAsks(process.env), obey: obeyOrder }, limitMs);
  } catch (error) {
    if (!(error instanceof UnknownAccount || error instanceof LateChild)) throw error;
    writeStderr(`mirror: ${error.message}`);
    return error.code;
  }
}

/**
 * Does what only root may do for a process of the mirror user: `start ID` and `stop ID` for applied packages, `notify`.
 * Both files that are read belong to root, so an order can name nothing that was not applied. Null when it was done.
 */
async function obeyOrder(text: string): Promise<string | null> {
  const order = parseOrder(text);
  if (order === null) return describeUnknownOrder(text);
  if (order.verb === 'notify') return (await runToEnd(['notify'])) === 0 ? null : 'not every notice was sent';
  if (readSiteFile(LIVE)?.packages.some(({ id }) => id === order.id) !== true)
    return `no package ${order.id} is applied here`;
  const job = readJob(LIVE, order.id);
  return order.verb === 'start' ? startRun(LIVE, job) : stopJob(job);
}

/** By its unit, else as the package's own user: only that user's processes are there to be signalled. */
async function stopJob(job: Job): Promise<string | null> {
  const unit = unitOf(job, LIVE);
  if (unit !== null) return commandUnit(LIVE, 'stop', job.id, unit);
  if (isRootAccount(job.run_as)) return `${job.id} runs as root: end it with kill`;
  const refuse = (): Promise<string> => Promise.resolve('the run belongs to another user');
  const stop = { account: job.run_as, words: ['stop', '--', job.id], quiet: true, obey: refuse };
  const code = await handOver({ ...stop, by: whoAsks(process.env) }, STOP_LIMIT_MS);
  return code === 0 ? null : `${job.id} still runs`;
}

function runToEnd(words: readonly string[]): Promise<number> {
  const [entry = ''] = process.argv.slice(1);
  const child = spawn(process.execPath, [entry, ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: NOTIFY_LIMIT_MS,
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('exit', (code) => done(code ?? 1));
  });
}
