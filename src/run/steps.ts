import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import type { Attempt } from '../job/job.js';
import type { Omission } from '../job/omission.js';
import { isSuccess, isThrough } from '../job/outcome.js';
import type { Outcome } from '../job/outcome.js';
import type { CommonStep, ExecStep, ProbeStep, Step } from '../job/step.js';
import type { EndFacts } from '../state/reduce.js';
import type { Transfer, Trigger } from '../state/package-state.js';
import { readFreshDst } from '../state/store.js';
import type { Lock } from '../system/flock.js';
import { refuseDirectory } from './destination.js';
import { NO_FILES, executeStep } from './exec.js';
import { together } from './figures.js';
import { fnv1a } from '../job/hash.js';
import { OWN_DIRECTORY } from '../job/never-upstream.js';
import type { LogFile } from './log-file.js';
import { signalOutcome } from './session.js';
import type { LockedSession } from './session.js';
import { makeHome, removeTemporary } from './tool-environment.js';

/** One source's turn in a run. */
export interface Turn {
  readonly session: LockedSession;
  readonly source: Attempt;
  /** Every source but the first: it may lag behind, so it neither proves that dst is whole nor measures it. */
  readonly fallback: boolean;
  readonly slots: readonly Lock[];
  readonly log: LogFile;
  /** Epoch ms. */
  readonly deadline: number;
  readonly allowDeletes: number | null;
  /** Deletions that the run has made already and that count with those to come; undefined: none. */
  readonly deleted?: number;
  readonly trigger: Trigger;
  /** What upstream's push said. */
  readonly words: readonly string[];
  /** Called when a pass takes long enough for people to notice. */
  readonly syncing: () => void;
}

export interface StepsEnd {
  readonly outcome: Outcome;
  readonly transfer: Transfer | null;
  readonly facts: EndFacts;
  readonly omissions: readonly Omission[];
}

/** Interprets a source's steps in order; the first that fails ends the run. */
export async function runSteps(turn: Turn): Promise<StepsEnd> {
  const home = turn.session.layout.homeDirectory(turn.session.job.id);
  try {
    makeHome(home);
    return await inOrder(turn);
  } finally {
    removeTemporary(home);
    for (const step of turn.source.steps) {
      if (step.kind === 'make-directory' && step.empty) rmSync(step.path, { recursive: true, force: true });
    }
  }
}

/** The same for steps whose directories an outer call removes. */
export async function inOrder(turn: Turn): Promise<StepsEnd> {
  const { session, source } = turn;
  let outcome: Outcome = { kind: 'synced' };
  let transfer: Transfer | null = null;
  let facts: EndFacts = {};
  let omissions: readonly Omission[] = [];
  let over = false;
  let lists: boolean | null = null;
  const rounds = new Map<Step, number>();
  for (let at = 0; at < source.steps.length; at++) {
    const step = source.steps[at] as Step;
    // Upstream's own time goes on even when nothing else is new.
    if (over && (step.kind !== 'check-freshness' || step.refuse)) continue;
    if (session.interruption.signal !== null) {
      return { outcome: signalOutcome(session, 'between two steps'), transfer, facts, omissions };
    }
    // Before anything that claims a sync; passes over parts of a tree may each find nothing.
    if (lists === false && (step.kind === 'install-marker' || step.kind === 'write-file')) break;
    const deleted = (turn.deleted ?? 0) + (transfer?.deleted ?? 0);
    const result = await runStep({ ...turn, deleted }, step, outcome, facts);
    transfer = together(transfer, result.transfer ?? null);
    facts = { ...facts, ...result.facts };
    if (result.omissions !== undefined) omissions = [...omissions, ...result.omissions];
    lists ||= result.lists ?? lists;
    if (result.changed && step.kind === 'repeat-if-changed') {
      const round = (rounds.get(step) ?? 0) + 1;
      if (round >= step.rounds) return { outcome: keepsChanging(step.rounds), transfer, facts, omissions };
      rounds.set(step, round);
      at -= step.back + 1;
      // What went wrong in the round before is done again.
      outcome = { kind: 'synced' };
      omissions = [];
      continue;
    }
    if (result.done && result.outcome.kind !== 'unchanged')
      return { outcome: result.outcome, transfer, facts, omissions };
    over ||= result.done;
    outcome = result.done ? result.outcome : worse(outcome, result.outcome);
  }
  if (lists === false && isSuccess(outcome)) return { outcome: NO_FILES, transfer, facts, omissions };
  if (!over) facts = { ...facts, ...(await measure(turn, outcome, transfer)) };
  return { outcome, transfer, facts, omissions };
}

export interface StepEnd {
  readonly outcome: Outcome;
  /** The run is over, whatever steps are left. */
  readonly done: boolean;
  readonly transfer?: Transfer | null;
  readonly facts?: EndFacts;
  /** What the step did not do though the run goes on; `run/special/omissions.ts` makes them. */
  readonly omissions?: readonly Omission[];
  /** Whether upstream has files; null or not there: the step does not tell. */
  readonly lists?: boolean | null;
  /** Upstream changed while it was read. */
  readonly changed?: boolean;
}

export const GO_ON: StepEnd = { outcome: { kind: 'synced' }, done: false };

/** How a step ends that either ends the run with an outcome, or has nothing to say (null). */
export function endedBy(outcome: Outcome | null): StepEnd {
  return outcome === null ? GO_ON : { outcome, done: true };
}

async function runStep(turn: Turn, step: Step, sofar: Outcome, facts: EndFacts): Promise<StepEnd> {
  if (!isCommon(step)) return (await import('./special/index.js')).runSpecialStep(turn, step, sofar, facts);
  const { session } = turn;
  const { job, layout } = session;
  switch (step.kind) {
    case 'require-directory': {
      const { mount } = job.guard;
      const unmounted = mount === null ? null : (await import('./special/index.js')).refuseUnmounted(mount);
      if (unmounted !== null) return endedBy(unmounted);
      const ours = existsSync(`${step.path}/${OWN_DIRECTORY}`);
      const refused = await refuseDirectory(step.path, {
        state: session.state,
        bootId: session.self.bootId,
        vouched: turn.allowDeletes !== null,
        fresh: readFreshDst(layout, job.id),
      });
      if (refused === null && ours) (await import('./special/index.js')).mendOwnDirectory(turn);
      return endedBy(refused);
    }
    case 'probe':
      return probe(turn, step);
    case 'exec':
      if (step.only_with !== undefined && !existsSync(step.only_with)) return GO_ON;
      return exec(turn, step);
    case 'install-marker':
      // After exit 0 and only 0: files that are missing must not be hidden behind a fresh marker.
      if (sofar.kind !== 'synced') return GO_ON;
      return installFetchedMarker(turn, step.marker);
  }
}

/** Whether this bundle interprets a step itself. */
function isCommon(step: Step): step is CommonStep {
  return ['require-directory', 'probe', 'exec', 'install-marker'].includes(step.kind);
}

async function exec(turn: Turn, step: ExecStep): Promise<StepEnd> {
  if (step.watch_deletions !== undefined) return (await import('./special/index.js')).runWatched(turn, step);
  const special = step.leftovers ?? step.skip;
  const pass = special
    ? await (await import('./special/index.js')).executeWithCare(turn, step)
    : await executeStep(turn, step, 'pass');
  const undo = step.undo !== undefined && (pass.tripped !== null || existsSync(step.undo));
  const end = undo ? await (await import('./special/index.js')).settleUndo(turn, step, pass) : pass;
  const { outcome, transfer, tripped, omissions } = end;
  // What a list of changes names may well be directories only.
  const lists = step.only_with === undefined ? end.lists : null;
  const done = !isThrough(outcome);
  if (step.told_deletions && !done && lists !== false) {
    return (await import('./special/index.js')).deleteTold(turn, step, end);
  }
  return { outcome, done, transfer, lists, omissions, facts: tripped === null ? {} : { tripped } };
}

/**
 * "Unchanged" needs exit 0, no output, and a dst that the last full pass left whole, not longer ago than `full_every`.
 * Everything else means: go on with the full pass.
 */
async function probe(turn: Turn, step: ProbeStep): Promise<StepEnd> {
  const { session, log } = turn;
  const { job, layout, state } = session;
  const directory = layout.markerDirectory(job.id);
  // What an earlier run left proves nothing now.
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const from = log.size();
  const end = await executeStep(turn, { ...step, kind: 'exec', cwd: directory }, 'probe', step.timeout);
  if (session.interruption.signal !== null) return { outcome: end.outcome, done: true };
  if (end.outcome.kind !== 'synced' || end.printed) {
    log.note(
      'INFO',
      `${step.marker} has changed, or cannot be told: full pass (${log.size() - from} bytes above)`,
    );
    return GO_ON;
  }
  const age = state.last_full === null ? Infinity : Date.now() - state.last_full;
  if (age >= step.full_every * 1000 || age < 0) {
    log.note('INFO', `${step.marker} has not changed, but a full pass is due`);
    return GO_ON;
  }
  if (state.full_of !== passOf(turn.source)) {
    // What an exclude that is gone, or another upstream, would bring is not there yet, whatever the marker says.
    log.note('INFO', `${step.marker} has not changed, but what is synced has: full pass`);
    return GO_ON;
  }
  for (const always of step.always) {
    const refreshed = await executeStep(turn, always, 'refresh');
    if (refreshed.outcome.kind !== 'synced') return { outcome: refreshed.outcome, done: true };
  }
  return { outcome: { kind: 'unchanged' }, done: true };
}

async function installFetchedMarker(turn: Turn, marker: string): Promise<StepEnd> {
  const { job, layout } = turn.session;
  const { installMarker } = await import('./special/index.js');
  const isInstalled = installMarker(layout.markerDirectory(job.id), marker, job.dst);
  if (isInstalled) turn.log.note('INFO', `installed ${marker}`);
  return GO_ON;
}

function keepsChanging(rounds: number): Outcome {
  const reason = `upstream changed in each of ${String(rounds)} rounds while it was read`;
  return { kind: 'failed', failure: 'unavailable', reason };
}

/** The commands of a source's full pass, as a number: they change when what a full pass brings may change. */
function passOf(source: Attempt): number {
  return fnv1a(JSON.stringify(source.steps.filter(({ kind }) => kind === 'exec')));
}

/** The least favourable of what steps that let the run go on said: synced, partial, incomplete. */
function worse(a: Outcome, b: Outcome): Outcome {
  if (a.kind === 'incomplete' || b.kind === 'synced') return a;
  return b.kind === 'incomplete' || a.kind === 'synced' ? b : a;
}

/** dst's device, and its file system, which is only looked for when the device is not the one known. */
async function whereIsDst({ job, self, state }: LockedSession): Promise<Pick<EndFacts, 'dst'>> {
  const stat = statSync(job.dst, { throwIfNoEntry: false });
  if (!stat) return {};
  const now = { path: job.dst, dev: stat.dev, boot_id: self.bootId };
  const known = state.dst;
  const isKnown = known?.path === now.path && known.dev === now.dev && known.boot_id === now.boot_id;
  if (isKnown && known.fs !== undefined) return { dst: known };
  const fs = (await import('./special/index.js')).identifyFileSystem(job.dst);
  return { dst: { ...now, ...(fs === null ? {} : { fs }) } };
}

/** What later runs hold dst to: its device, and how much a full pass says is in it. */
async function measure(turn: Turn, outcome: Outcome, transfer: Transfer | null): Promise<EndFacts> {
  const dst = await whereIsDst(turn.session);
  const whole = !turn.fallback && isSuccess(outcome);
  const pass = { ...dst, full_of: passOf(turn.source) };
  if (!whole || transfer?.files == null) return pass;
  return { ...pass, size: { files: transfer.files, bytes: transfer.total_bytes } };
}
