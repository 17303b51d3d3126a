import { EXIT, exitCode } from '../job/outcome.js';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { Outcome } from '../job/outcome.js';
import { readHold } from '../state/store.js';
import type { RunArguments } from './arguments.js';
import { writeStderr } from './console.js';
import { followRun } from './follow.js';
import { outcomeOfRecord, reportRun } from './report.js';
import { requestRun } from './request.js';
import { heldOutcome } from './session.js';
import { watchSignals } from './signals.js';
import { whoAsks } from './who.js';

/** A run by the package's unit, followed to its end; returns the exit code. */
export async function runUnit(args: RunArguments, layout: Layout, job: Job): Promise<number> {
  const at = Date.now();
  const hold = readHold(layout, job.id, at);
  if (hold !== null) {
    reportRun(job, heldOutcome(hold), EXIT.ok, null, args.json);
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
    reportRun(job, outcomeOfRecord(record), record.exit, record, args.json);
    return record.exit;
  }
  const reason =
    interruption.signal === null ? 'ended without a record' : 'not followed any longer; the run goes on';
  const outcome: Outcome = { kind: 'busy', reason };
  reportRun(job, outcome, exitCode(outcome), null, args.json);
  return exitCode(outcome);
}
