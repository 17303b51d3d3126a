import { EXIT } from '../job/outcome.js';
import type { Outcome } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import { refusedBySystem } from '../job/system-error.js';
import { pushNotBefore } from '../state/debounce.js';
import type { RunRecord } from '../state/package-state.js';
import { peekState, readHold } from '../state/store.js';
import { followRun } from '../run/follow.js';
import { readJob } from '../run/job-file.js';
import { outcomeOfRecord, recorded, reportRun } from '../run/report.js';
import { requestRun } from '../run/request.js';
import { watchSignals } from '../run/signals.js';
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
  /** How a command ends that asked for this alone: a held package is no failure. */
  readonly exit: number;
}

/** How a run that was waited for ended. */
interface Ended extends Pick<RunRecord, 'outcome' | 'failure' | 'reason'> {
  readonly exit: number;
  readonly record: RunRecord | null;
}

const GONE: Outcome = { kind: 'busy', reason: 'ended without a record' };

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
  const ended = options.wait ? await followAll(applied, requested, options.json) : new Map<string, Ended>();
  if (options.json) reportJson(verb, requested, ended);
  else if (!options.wait) report(requested);
  const code = Math.max(0, ...[...requested, ...ended.values()].map(({ exit }) => exit));
  if (code !== 0) throw new ExitError(code);
}

async function request(applied: AppliedSite, id: string, push: PushTerms | null): Promise<Requested> {
  const at = Date.now();
  const hold = readHold(applied.layout, id, at);
  const none = { id, at, notBefore: null };
  if (hold !== null)
    return { ...none, exit: EXIT.ok, problem: `held by ${hold.by}: \`mirror unhold ${id}\`` };
  try {
    return mayRequest(applied.layout)
      ? await directly(applied, id, push, at)
      : await bySocket(applied, id, push);
  } catch (error) {
    const refused = refusedBySystem(error, EXIT.needsPerson);
    const problem = refused?.text ?? (error as Error).message.replace(/^mirror: /, '');
    return { ...none, exit: refused?.exit ?? EXIT.needsPerson, problem };
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
  return { id, at, notBefore, exit: exitFor(problem), problem };
}

async function bySocket({ layout }: AppliedSite, id: string, push: PushTerms | null): Promise<Requested> {
  const { throughSocket } = await import('./through-socket.js');
  const started = await throughSocket(layout, (client) => client.startSync(id, push ?? {}));
  const { at, not_before: notBefore, problem } = started;
  return { id, at, notBefore, exit: exitFor(problem), problem };
}

function exitFor(problem: string | null): number {
  return problem === null ? EXIT.ok : EXIT.needsPerson;
}

/** Waits for the runs that were asked for, by package id; without `json` each is told of when it ends. */
async function followAll(
  { layout }: AppliedSite,
  requested: readonly Requested[],
  json: boolean,
): Promise<ReadonlyMap<string, Ended>> {
  const interruption = watchSignals();
  const follow = async ({ id, at }: Requested): Promise<[string, Ended]> => {
    const job = readJob(layout, id);
    const record = await followRun(layout, job, at, interruption);
    const outcome = record === null ? GONE : outcomeOfRecord(record);
    const exit = record?.exit ?? EXIT.busy;
    if (!json) reportRun(job, outcome, exit, record, false);
    return [id, { exit, ...recorded(outcome), record }];
  };
  return new Map(await Promise.all(requested.filter(({ problem }) => problem === null).map(follow)));
}

function report(requested: readonly Requested[]): void {
  for (const { id, at, problem, notBefore } of requested) {
    const later =
      notBefore === null ? '' : `, to begin in ${span(notBefore - at)}: the last push was just served`;
    if (problem === null) process.stdout.write(`${id}: requested${later}\n`);
  }
}

/** With `--wait` a package that was asked for has a `run`: how it ended, as `mirror run --json` has it. */
function reportJson(verb: string, requested: readonly Requested[], ended: ReadonlyMap<string, Ended>): void {
  const packages = requested.map(({ id, problem, notBefore }) => ({
    id,
    requested: problem === null,
    not_before: iso(notBefore),
    problem,
    ...(ended.has(id) && { run: ended.get(id) }),
  }));
  process.stdout.write(`${jsonText({ format: `mirror/${verb}/1`, packages }, 2)}\n`);
}
