import type { Job } from '../job/job.js';
import type { Omission } from '../job/omission.js';
import type { Outcome } from '../job/outcome.js';
import type { Exec, ExecStep } from '../job/step.js';
import type { PackageState, Transfer } from '../state/package-state.js';
import { classify } from './classify.js';
import { shown } from './console.js';
import { isEmpty } from './destination.js';
import { lackOfSpace } from './free-space.js';
import { countEntries, deleteLimit, enoughEntries } from './guard.js';
import { RUN_VARIABLE, runMark } from '../job/run-mark.js';
import { secretText } from './secrets.js';
import { save, signalOutcome, troubleOutcome } from './session.js';
import { runTool } from './spawn.js';
import type { ToolEnd } from './spawn.js';
import type { Turn } from './steps.js';
import { toolTable } from './tools/index.js';
import type { ToolTable } from './tools/table.js';
import { toolEnvironment } from './tool-environment.js';

/** Milliseconds after which a pass is published as SYNC: most find nothing new and are over before anybody could look. */
const NOTEWORTHY = 300;

export interface ExecEnd {
  readonly outcome: Outcome;
  readonly transfer: Transfer | null;
  /** Whether upstream has files, as far as the tool tells; null: it does not. */
  readonly lists: boolean | null;
  /** Whether the tool wrote anything. */
  readonly printed: boolean;
  /** Byte of the log at which its output begins. */
  readonly from: number;
  /** The delete limit that tripped, or null. */
  readonly tripped: number | null;
  readonly omissions: readonly Omission[];
}

/**
 * What a tool is for. A probe does not touch dst, so it needs no room there; a refresh replaces single files; only a pass
 * puts dst's wholeness in doubt and makes the package SYNC.
 */
export type Role = 'probe' | 'refresh' | 'pass';

/** Runs one tool of a turn with the guards on and says how it ended. `timeout` in seconds, beside the turn's deadline. */
export async function executeStep(
  turn: Turn,
  step: ExecStep,
  role: Role,
  timeout = Infinity,
): Promise<ExecEnd> {
  const { session, log } = turn;
  const { job } = session;
  const table = await toolTable(step.tool);
  const allowed = step.delete_limit ? currentLimit(job, session.state, turn.allowDeletes) : null;
  const limit = allowed === null ? null : Math.max(0, allowed - (turn.deleted ?? 0));
  const argv = [...commandLine(job, step, limit), ...pushWordsFor(step, turn.words)];
  const nothing = { transfer: null, lists: null, printed: false, from: 0, tripped: null, omissions: [] };

  const secret = step.stdin_secret === undefined ? null : secretText(session.secrets, step.stdin_secret);
  if (secret !== null && typeof secret !== 'string') return { ...nothing, outcome: secret };
  const lacking = role === 'probe' ? null : lackOfSpace(job.dst, job.guard.min_free);
  if (lacking !== null) return { ...nothing, outcome: { kind: 'failed', failure: 'space', reason: lacking } };

  log.note('INFO', argv.map(shown).join(' '));
  const unheard = log.lost();
  if (unheard !== null) return { ...nothing, outcome: troubleOutcome(unheard) };
  const from = log.size();
  const began = Date.now();
  const before = role === 'pass' ? doubtWhole(turn) : null;
  let announce: NodeJS.Timeout | undefined;
  const end = await runTool(
    {
      argv,
      env: {
        ...toolEnvironment(job, step, session.layout.homeDirectory(job.id)),
        [RUN_VARIABLE]: runMark(session.self.pid, session.self.pidStart),
      },
      cwd: step.cwd ?? job.dst,
      input: secret === null ? (step.input ?? null) : `${secret}\n`,
      output: log.fd,
      locks: [session.lock, ...turn.slots.map((slot) => slot.fd)],
    },
    {
      deadline: Math.min(turn.deadline, Date.now() + timeout * 1000),
      oversee: async (group) => (await import('./special/index.js')).overseeTool(turn, step, role, group),
      interruption: session.interruption,
    },
    (group) => {
      session.watchdog.tool(group);
      if (role === 'pass') announce = setTimeout(turn.syncing, NOTEWORTHY);
    },
  );
  session.watchdog.tool(0);
  clearTimeout(announce);
  if (step.gather !== undefined) (await import('./special/index.js')).gatherLogs(step.gather, log, began);
  const printed = log.size() > from;
  const output = printed ? log.since(from) : '';
  const ended =
    log.room() < 0
      ? (await import('./special/index.js')).cutLog(log)
      : outcomeOf(turn, step, table, end, output);
  // A probe leaves an empty dst as it is.
  const outcome = role === 'pass' ? orNothing(turn, table, ended) : ended;
  if (before !== null && end.kind === 'exit' && table.neverStarted.includes(end.exit ?? -1)) {
    session.state = { ...session.state, last_full: before };
  }
  // A tool that reads its limit from a file has the same one.
  const tripped =
    outcome.kind === 'blocked' ? (limit ?? currentLimit(job, session.state, turn.allowDeletes)) : null;
  const lists = table.lists?.(output) ?? null;
  const omissions = (await table.omissions?.(output)) ?? [];
  return { outcome, printed, from, tripped, lists, transfer: table.transfer(output), omissions };
}

/** Another command of a step's tool, in the same directory and environment. It gets no secret. */
export function otherCommand({ tool, cwd, env }: Exec, argv: readonly string[]): ExecStep {
  return {
    kind: 'exec',
    tool,
    argv,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  };
}

/** What upstream's push said, as far as the step has a use for it. */
function pushWordsFor(step: ExecStep, words: readonly string[]): readonly string[] {
  if (step.push_words === undefined) return [];
  const allowed = new RegExp(step.push_words.allow);
  return words.filter((word) => allowed.test(word));
}

/** The exact words that start a step's tool: prefix, argv, and the delete limit where its place is. */
export function commandLine(job: Job, step: ExecStep, limit: number | null): string[] {
  const argv = [...step.argv];
  if (step.delete_limit && limit !== null)
    argv.splice(step.delete_limit.at, 0, `${step.delete_limit.flag}${limit}`);
  return [...job.prefix, ...argv];
}

/** Deletions that a run may make now: a person's number, else the guard's for what dst holds. */
export function currentLimit(job: Job, state: PackageState, allowDeletes: number | null): number {
  if (allowDeletes !== null) return allowDeletes;
  const recorded =
    state.size !== null && (state.dst === null || state.dst.path === job.dst) ? state.size.files : null;
  return deleteLimit(job.guard, recorded ?? countEntries(job.dst, enoughEntries(job.guard)));
}

/**
 * From here until the pass ends with exit 0, dst is not known to be whole, and no probe may say "unchanged": not after a
 * crash, and not when the next upstream asked is one that still has the marker of before. On disk before the tool starts.
 */
function doubtWhole(turn: Turn): number | null {
  const { session } = turn;
  const { last_full } = session.state;
  const probes = session.job.attempts.some((attempt) => attempt.steps.some((step) => step.kind === 'probe'));
  if (!probes || last_full === null) return null;
  save(session, { ...session.state, last_full: null });
  return last_full;
}

function outcomeOf(turn: Turn, step: ExecStep, table: ToolTable, end: ToolEnd, output: string): Outcome {
  switch (end.kind) {
    case 'exit':
      return classify(table, { exit: end.exit, signal: end.signal, output }, step.accept);
    case 'timed-out':
      return { kind: 'timed-out', reason: 'ended at its time limit' };
    case 'overseen':
      return end.outcome;
    case 'interrupted':
      return signalOutcome(turn.session, `while ${step.argv[0] ?? 'the tool'} ran`);
    case 'not-started':
      return { kind: 'failed', failure: 'config', reason: end.reason };
  }
}

/** What an upstream without files has given: no mirror. A module over a disk that is not mounted looks like that. */
export const NO_FILES: Outcome = {
  kind: 'failed',
  failure: 'transfer',
  reason: 'upstream lists no files',
};

/** A tool that takes an upstream without files for a tree without files has made no mirror. */
function orNothing(turn: Turn, { lists }: ToolTable, outcome: Outcome): Outcome {
  if (lists === undefined || outcome.kind !== 'synced') return outcome;
  return isEmpty(turn.session.job.dst) ? NO_FILES : outcome;
}
