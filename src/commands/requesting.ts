import { EXIT } from '../job/outcome.js';
import { pushNotBefore } from '../state/debounce.js';
import { peekState, readHold } from '../state/store.js';
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
import { mayRequest } from './may-request.js';
import { iso, span } from './moment.js';
import type { GlobalOptions } from './options.js';

interface Requesting extends GlobalOptions {
  readonly id: readonly string[];
  readonly wait: boolean;
}

/** What became of one request. */
interface Requested {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  /** Epoch ms before which the run does not begin, or null. */
  readonly notBefore: number | null;
  /** Why nothing was started, or null. */
  readonly problem: string | null;
  readonly held: boolean;
}

/** What a push has and a person's start has not: seconds between two runs, and what upstream said. */
export interface PushTerms {
  readonly debounce: number;
  readonly words: readonly string[];
}

/**
 * `mirror start` and `mirror push`: every package is asked for before the first is waited for. Where this user may not
 * write requests the control socket is asked; `push` is null for a start. Throws ExitError.
 */
export async function requestPackages(
  verb: 'start' | 'push',
  options: Requesting,
  push: PushTerms | null,
): Promise<void> {
  const applied = appliedSite(options);
  const ids = selectPackages(applied.site, options.id).map(({ id }) => id);
  const requested = await Promise.all(ids.map((id) => request(applied, id, push)));
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

async function request(applied: AppliedSite, id: string, push: PushTerms | null): Promise<Requested> {
  const at = Date.now();
  const hold = readHold(applied.layout, id, at);
  const none = { id, at, notBefore: null };
  if (hold !== null) return { ...none, held: true, problem: `held by ${hold.by}: \`mirror unhold ${id}\`` };
  try {
    return mayRequest(applied.layout)
      ? await directly(applied, id, push, at)
      : await bySocket(applied, id, push);
  } catch (error) {
    return { ...none, held: false, problem: (error as Error).message.replace(/^mirror: /, '') };
  }
}

async function directly(
  { layout }: AppliedSite,
  id: string,
  push: PushTerms | null,
  at: number,
): Promise<Requested> {
  const notBefore = push && pushNotBefore(peekState(layout, id), push.debounce, at);
  const problem = await requestRun(layout, readJob(layout, id), {
    at,
    by: whoAsks(process.env),
    allow_deletes: null,
    ...(push && { push: true }),
    ...(notBefore !== null && { not_before: notBefore }),
    ...(push && push.words.length > 0 && { words: push.words }),
  });
  return { id, at, notBefore, held: false, problem };
}

async function bySocket({ layout }: AppliedSite, id: string, push: PushTerms | null): Promise<Requested> {
  const { throughSocket } = await import('./through-socket.js');
  const started = await throughSocket(layout, (client) => client.startSync(id, push ?? {}));
  return { id, at: started.at, notBefore: started.not_before, held: false, problem: started.problem };
}

async function wait(
  { layout }: AppliedSite,
  { id, at }: Requested,
  interruption: Interruption,
  json: boolean,
): Promise<number> {
  const job = readJob(layout, id);
  const record = await followRun(layout, job, at, interruption);
  const outcome =
    record === null ? ({ kind: 'busy', reason: 'ended without a record' } as const) : outcomeOfRecord(record);
  const exit = record?.exit ?? EXIT.busy;
  reportRun(job, outcome, exit, record, json);
  return exit;
}

function report(verb: string, requested: readonly Requested[], json: boolean): void {
  if (json) {
    const packages = requested.map(({ id, problem, notBefore }) => ({
      id,
      requested: problem === null,
      not_before: iso(notBefore),
      problem,
    }));
    process.stdout.write(`${JSON.stringify({ format: `mirror/${verb}/1`, packages }, null, 2)}\n`);
    return;
  }
  for (const { id, at, problem, notBefore } of requested) {
    const later =
      notBefore === null ? '' : `, to begin in ${span(notBefore - at)}: the last push was just served`;
    if (problem === null) process.stdout.write(`${id}: requested${later}\n`);
  }
}
