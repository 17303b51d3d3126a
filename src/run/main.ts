import { layout as layoutOf } from '../job/layout.js';
import type { Layout } from '../job/layout.js';
import { EXIT, exitCode } from '../job/outcome.js';
import type { Outcome } from '../job/outcome.js';
import type { Job } from '../job/job.js';
import { peekState, readHold } from '../state/store.js';
import { bootId, processStart } from '../system/process.js';
import { UsageError, parsePublishArguments, parseRunArguments } from './arguments.js';
import type { RunArguments } from './arguments.js';
import { consoleFor, writeStderr } from './console.js';
import { isInside } from './destination.js';
import { describeRun } from './dry-run.js';
import { exitOf } from './finish.js';
import { followRun } from './follow.js';
import { JobFileError, readJob } from './job-file.js';
import { dropPrivileges } from './privileges.js';
import { publishCommand } from './publish.js';
import { outcomeOfRecord, reportRun } from './report.js';
import { requestRun } from './request.js';
import { run } from './run.js';
import { readSecrets } from './secrets.js';
import type { Session } from './session.js';
import { watchSignals } from './signals.js';
import { describe, levelOf } from './turns.js';
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
      return await publishCommand(root, json);
    }
    return await runCommand(parseRunArguments(rest));
  } catch (error) {
    return complain(error);
  }
}

async function runCommand(args: RunArguments): Promise<number> {
  const layout = layoutOf(args.root);
  const job = readJob(layout, args.id);
  if (args.root !== '' && !isInside(job.dst, args.root)) {
    writeStderr(`mirror: ${job.id}: dst ${job.dst} is outside --root ${args.root}`);
    return EXIT.config;
  }
  if (args.dryRun) {
    process.stdout.write(`${describeRun(job, peekState(layout, job.id), args.allowDeletes).join('\n')}\n`);
    return EXIT.ok;
  }
  const byHand = !args.scheduled && !args.here;
  return byHand && unitToStart(job, layout) !== null
    ? runUnit(args, layout, job)
    : runHere(args, layout, job);
}

/** A run in this process. */
async function runHere(args: RunArguments, layout: Layout, job: Job): Promise<number> {
  const say = consoleFor(job, process.env);
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
  if (args.scheduled && !args.json) say(levelOf(outcome), describe(outcome));
  else reportRun(job.id, outcome, exit, record, args.json);
  return exit;
}

/** A run by the package's unit, followed to its end. */
async function runUnit(args: RunArguments, layout: Layout, job: Job): Promise<number> {
  const at = Date.now();
  const hold = readHold(layout, job.id, at);
  if (hold !== null) {
    const held: Outcome = {
      kind: 'held',
      reason: `held by ${hold.by}${hold.reason === null ? '' : `: ${hold.reason}`}`,
    };
    reportRun(job.id, held, EXIT.ok, null, args.json);
    return EXIT.ok;
  }
  const by = whoAsks(process.env);
  const problem = await requestRun(layout, job, { at, by, allow_deletes: args.allowDeletes });
  if (problem !== null) {
    writeStderr(`mirror: ${problem}; try sudo, or --here as the mirror user`);
    return EXIT.needsPerson;
  }
  const interruption = watchSignals();
  const record = await followRun(layout, job, at, interruption);
  if (record !== null) {
    reportRun(job.id, outcomeOfRecord(record), record.exit, record, args.json);
    return record.exit;
  }
  const reason =
    interruption.signal === null ? 'ended without a record' : 'not followed any longer; the run goes on';
  const outcome: Outcome = { kind: 'busy', reason };
  reportRun(job.id, outcome, exitCode(outcome), null, args.json);
  return exitCode(outcome);
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
  const { code, message, stack } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) {
    writeStderr(`mirror: ${message}`);
    return code === 'EACCES' || code === 'EPERM' ? EXIT.needsPerson : EXIT.io;
  }
  writeStderr(
    `mirror: this is a bug in mirror; please report it with the following lines\n${stack ?? message}`,
  );
  return EXIT.internal;
}
