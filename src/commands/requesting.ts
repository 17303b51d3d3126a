import { EXIT } from '../job/outcome.js';
import { readHold } from '../state/store.js';
import { followRun } from '../run/follow.js';
import { readJob } from '../run/job-file.js';
import { outcomeOfRecord, reportRun } from '../run/report.js';
import { requestRun } from '../run/request.js';
import { watchSignals } from '../run/signals.js';
import type { Interruption } from '../run/signals.js';
import { whoAsks } from '../run/who.js';
import { appliedSite, selectPackages } from './applied-site.js';
import type { AppliedSite } from './applied-site.js';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

interface Requesting extends GlobalOptions {
  readonly id: readonly string[];
  readonly wait: boolean;
}

/** What became of one request. */
interface Requested {
  readonly id: string;
  readonly at: number;
  /** Why nothing was started, or null. */
  readonly problem: string | null;
  readonly held: boolean;
}

/** `mirror start` and `mirror push`: every package is asked for before the first is waited for. */
export async function requestPackages(verb: 'start' | 'push', options: Requesting): Promise<void> {
  const applied = appliedSite(options);
  const ids = selectPackages(applied.site, options.id).map(({ id }) => id);
  const requested = ids.map((id) => request(applied, id));
  for (const { id, problem } of requested) {
    if (problem !== null) process.stderr.write(`mirror: ${id}: ${problem}\n`);
  }
  const failed = requested.some(({ problem, held }) => problem !== null && !held);
  if (!options.wait) {
    report(verb, requested, options.json);
    if (failed) throw new ExitError(EXIT.needsPerson);
    return;
  }
  const interruption = watchSignals();
  const started = requested.filter(({ problem, held }) => problem === null && !held);
  const exits = await Promise.all(started.map((one) => wait(applied, one, interruption, options.json)));
  const code = Math.max(failed ? EXIT.needsPerson : 0, ...exits);
  if (code !== 0) throw new ExitError(code);
}

function request({ layout }: AppliedSite, id: string): Requested {
  const at = Date.now();
  const hold = readHold(layout, id, at);
  if (hold !== null) return { id, at, held: true, problem: `held by ${hold.by}: \`mirror unhold ${id}\`` };
  try {
    const by = whoAsks(process.env);
    const problem = requestRun(layout, readJob(layout, id), { at, by, allow_deletes: null });
    return { id, at, held: false, problem };
  } catch (error) {
    return { id, at, held: false, problem: (error as Error).message };
  }
}

async function wait(
  { layout }: AppliedSite,
  { id, at }: Requested,
  interruption: Interruption,
  json: boolean,
): Promise<number> {
  const record = await followRun(layout, readJob(layout, id), at, interruption);
  const outcome =
    record === null ? ({ kind: 'busy', reason: 'ended without a record' } as const) : outcomeOfRecord(record);
  const exit = record?.exit ?? EXIT.busy;
  reportRun(id, outcome, exit, record, json);
  return exit;
}

function report(verb: string, requested: readonly Requested[], json: boolean): void {
  if (json) {
    const packages = requested.map(({ id, problem }) => ({ id, requested: problem === null, problem }));
    process.stdout.write(`${JSON.stringify({ format: `mirror/${verb}/1`, packages }, null, 2)}\n`);
    return;
  }
  for (const { id, problem } of requested) if (problem === null) process.stdout.write(`${id}: requested\n`);
}
