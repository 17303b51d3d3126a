import { lstatSync } from 'node:fs';
import { isRoot } from '../boundary/as-user.js';
import { jobLayout, layout as layoutOf } from '../job/layout.js';
import type { Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import type { Job } from '../job/job.js';
import { bootId, processStart } from '../system/process.js';
import { parseRunArguments } from './arguments.js';
import type { RunArguments } from './arguments.js';
import { complain } from './complain.js';
import { consoleFor, writeStderr } from './console.js';
import type { Say } from './console.js';
import { outsideRoot } from './destination.js';
import { exitOf } from './finish.js';
import { readJob } from './job-file.js';
import { reportRun, tell } from './report.js';
import { run } from './run.js';
import { readSecrets } from './secrets.js';
import type { Session } from './session.js';
import { watchSignals } from './signals.js';
import { siteLog } from './site-log.js';
import { levelOf } from './turns.js';
import { unitToStart } from './unit.js';
import { whoAsks } from './who.js';

/** The executor: `mirror run`, whose arguments `argv` are. Ends the process: taking Node apart in good order is work for nothing. */
export async function main(argv: readonly string[]): Promise<never> {
  process.exit(await execute(argv));
}

/** Like `main`, returning the exit code. Never throws: what goes wrong is said on stderr. */
export async function execute(argv: readonly string[]): Promise<number> {
  try {
    return await runCommand(parseRunArguments(argv), argv);
  } catch (error) {
    return complain('run', error);
  }
}

/** Root becomes the package's user, or the site's where that only asks for a run; see `handOver`. */
async function runCommand(args: RunArguments, argv: readonly string[]): Promise<number> {
  const job = readJob(layoutOf(args.root), args.id);
  const layout = jobLayout(args.root, job);
  const outside = outsideRoot(job, layout);
  if (outside !== null) {
    writeStderr(`mirror: ${job.id}: ${outside}`);
    return EXIT.config;
  }
  const byUnit = !args.dryRun && !args.scheduled && !args.here && unitToStart(job, layout) !== null;
  if (isRoot() && (args.root === '' || lstatSync(layout.state, { throwIfNoEntry: false })?.uid !== 0)) {
    const { handOverRun } = await import('./special/index.js');
    const code = await handOverRun(layout, job, byUnit, ['run', ...argv]);
    if (code !== null) return code;
  }
  if (args.dryRun) return (await import('./special/index.js')).printDryRun(args, layout, job);
  if (byUnit) return (await import('./special/index.js')).runUnit(args, layout, job);
  return runHere(args, layout, job);
}

/** A run in this process. */
async function runHere(args: RunArguments, layout: Layout, job: Job): Promise<number> {
  const [toConsole, toSiteLog] = [consoleFor(job, process.env), siteLog(job)];
  const say: Say = (level, message) => {
    toConsole(level, message);
    toSiteLog(level, message);
  };
  // A timer leaves no request, so nobody reads its name.
  const by = args.scheduled ? 'mirror' : whoAsks(process.env);
  const secrets = readSecrets(job, process.env.CREDENTIALS_DIRECTORY);
  if (args.root === '') process.umask(parseInt(job.run_as.umask, 8));
  const session: Session = {
    layout,
    job,
    secrets,
    say,
    scheduled: args.scheduled,
    allowDeletes: args.allowDeletes,
    interruption: watchSignals(),
    self: { pid: process.pid, pidStart: processStart(process.pid) ?? 0, bootId: bootId() },
  };
  const { outcome, record } = await run(session, by);
  const exit = exitOf(session, outcome);
  const [level, how] = [levelOf(outcome), tell(outcome, record, job.timezone)];
  toSiteLog(level, how);
  if (args.scheduled && !args.json) toConsole(level, how);
  else reportRun(job, outcome, exit, record, args.json);
  return exit;
}
