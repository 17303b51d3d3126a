import { layout as layoutOf } from '../job/layout.js';
import type { Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { refusedBySystem } from '../job/system-error.js';
import type { Job } from '../job/job.js';
import { peekState } from '../state/store.js';
import { bootId, processStart } from '../system/process.js';
import { UsageError, parsePublishArguments, parseRunArguments } from './arguments.js';
import type { RunArguments } from './arguments.js';
import { consoleFor, writeStderr } from './console.js';
import type { Say } from './console.js';
import { outsideRoot } from './destination.js';
import { exitOf } from './finish.js';
import { JobFileError, readJob } from './job-file.js';
import { dropPrivileges } from './privileges.js';
import { describe, reportRun } from './report.js';
import { run } from './run.js';
import { readSecrets } from './secrets.js';
import type { Session } from './session.js';
import { watchSignals } from './signals.js';
import { siteLog } from './site-log.js';
import { levelOf } from './turns.js';
import { unitToStart } from './unit.js';
import { whoAsks } from './who.js';

/** The executor: `argv` is `run …` or `publish …`. Ends the process: taking Node apart in good order is work for nothing. */
export async function main(argv: readonly string[]): Promise<never> {
  process.exit(await execute(argv));
}

/** Like `main`, returning the exit code. Never throws: what goes wrong is said on stderr. */
export async function execute(argv: readonly string[]): Promise<number> {
  try {
    const [command, ...rest] = argv;
    if (command === 'publish') {
      const { root, json } = parsePublishArguments(rest);
      return await (await import('./special/index.js')).publishCommand(root, json);
    }
    return await runCommand(parseRunArguments(rest));
  } catch (error) {
    return complain(error);
  }
}

async function runCommand(args: RunArguments): Promise<number> {
  const layout = layoutOf(args.root);
  const job = readJob(layout, args.id);
  const outside = outsideRoot(job, layout);
  if (outside !== null) {
    writeStderr(`mirror: ${job.id}: ${outside}`);
    return EXIT.config;
  }
  if (args.dryRun) return dryRun(args, layout, job);
  const byHand = !args.scheduled && !args.here;
  if (byHand && unitToStart(job, layout) !== null) {
    return (await import('./special/index.js')).runUnit(args, layout, job);
  }
  return runHere(args, layout, job);
}

/** What a run would do; with `--transfer`, also what its tools say they would move. */
async function dryRun(args: RunArguments, layout: Layout, job: Job): Promise<number> {
  const { describeRun, describeTransfer, dryRunText } = await import('./special/index.js');
  const commands = describeRun(job, peekState(layout, job.id), args.allowDeletes);
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  if (!args.json) print(commands.join('\n'));
  const secrets = args.transfer ? readSecrets(job, process.env.CREDENTIALS_DIRECTORY) : new Map();
  if (args.transfer && args.root === '') dropPrivileges(job.run_as);
  const transfer = args.transfer ? await describeTransfer(job, secrets) : null;
  if (args.json) print(dryRunText(job.id, commands, transfer));
  else if (transfer !== null) print(transfer.lines.join('\n'));
  return transfer?.exit ?? EXIT.ok;
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
  if (args.root === '') dropPrivileges(job.run_as);
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
  const [level, how] = [levelOf(outcome), describe(outcome, job.timezone)];
  toSiteLog(level, how);
  if (args.scheduled && !args.json) toConsole(level, how);
  else reportRun(job, outcome, exit, record, args.json);
  return exit;
}

function complain(error: unknown): number {
  if (error instanceof UsageError) {
    writeStderr(`mirror: ${error.message}\nTry: mirror run --help`);
    return EXIT.usage;
  }
  if (error instanceof JobFileError) {
    writeStderr(`mirror: ${error.message}`);
    return error.code;
  }
  const refused = refusedBySystem(error, EXIT.io);
  if (refused !== null) {
    writeStderr(`mirror: ${refused.text}`);
    return refused.exit;
  }
  const { message, stack } = error as Error;
  writeStderr(
    `mirror: this is a bug in mirror; please report it with the following lines\n${stack ?? message}`,
  );
  return EXIT.internal;
}
