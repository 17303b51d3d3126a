import { EXIT } from '../job/outcome.js';
import { assemble, judge, type Intent } from '../plan/assemble.js';
import type { Permissions } from '../plan/guards.js';
import type { Observation } from '../plan/observation.js';
import type { Plan, Refusal } from '../plan/plan.js';
import type { Hold } from '../state/package-state.js';
import type { System } from '../system/system.js';
import { artifactOperations, enablement } from './artifact-operations.js';
import { carryOut, finish, type Work } from './carry-out.js';
import { gitIgnoreOperations } from './git-ignore.js';
import { heal, rollBack } from './heal.js';
import { applyRecord, configRevision, withRecord } from './history.js';
import { journalPath, makeJournal, missingParents, writeJournal, type Journal } from './journal.js';
import { findMovedState } from './moved-state.js';
import { observe } from './observe.js';
import { perform, type Operation } from './operation.js';
import { placeOperations } from './place-operations.js';
import { stateAccount, stateHalf } from './state-half.js';
import { isEmpty, stateWishes } from './state-wishes.js';
import { verifyUnits } from './verify.js';

/** What an operator asks of an apply beside the config. */
export interface Request {
  readonly permissions: Permissions;
  /** Hold every package that this apply installs. */
  readonly hold: Hold | null;
  /** Also end running syncs of packages that go away. */
  readonly stopRemoved: boolean;
  /** Who applies, and the files of the config, for the history. */
  readonly by: string;
  readonly files: readonly string[];
  /** Words that start this program, for `publish` and `stop`. */
  readonly program: readonly string[];
}

export type Result =
  | { readonly kind: 'nothing' | 'applied'; readonly plan: Plan; readonly messages: readonly string[] }
  /** Not a byte was changed. */
  | { readonly kind: 'refused'; readonly plan: Plan; readonly refusals: readonly Refusal[] }
  /** A step failed; `problems` are what could not be put back: empty when all is as it was. */
  | { readonly kind: 'failed'; readonly reason: string; readonly problems: readonly string[] }
  | { readonly kind: 'busy' };

/**
 * Makes the machine what the config says, or leaves it as it is. Order: plan; lock; undo what a killed apply left; plan
 * again; guards; let systemd verify the units; journal; stop what goes away; files; daemon-reload; start what is new;
 * drop the journal; publish. Whatever fails before the journal is gone is put back. With nothing to do it takes no lock,
 * writes nothing and starts no process.
 */
export async function apply(intent: Intent, request: Request, system: System): Promise<Result> {
  const { layout } = intent;
  const isWhole = system.actual(journalPath(layout)).kind === 'absent';
  if (isWhole) {
    const end = settledEarly(intent, request, system);
    if (end) return end;
  }
  for (const step of missingParents([{ kind: 'link', path: layout.applyLock, target: '' }], system))
    perform(step, system);
  const lock = system.lock(layout.applyLock);
  if (!lock) return { kind: 'busy' };
  try {
    return await underLock(intent, request, system);
  } catch (error) {
    // What is thrown here came before the first change: a full disk, an unreadable file. Anything else is a bug.
    if (error instanceof Error && 'syscall' in error)
      return { kind: 'failed', reason: error.message, problems: [] };
    throw error;
  } finally {
    lock.release();
  }
}

async function underLock(intent: Intent, request: Request, system: System): Promise<Result> {
  const { layout } = intent;
  const left = await heal(layout, system);
  if (left && left.length > 0)
    return {
      kind: 'failed',
      reason: 'an earlier apply died, and what it did cannot be undone',
      problems: left,
    };
  const healed = left ? ['an earlier apply died half way; what it had done was undone first'] : [];
  const { plan, seen } = planned(intent, request, system);
  const end = settled(plan);
  if (end) return end.kind === 'refused' ? end : { ...end, messages: healed };

  const { before, moves } = findMovedState(intent, seen.manifest, system);
  const locks = moves.map(([id]) => ({ id, lock: system.lock(before.runLock(id)) }));
  try {
    const running = locks.filter(({ lock }) => lock === null).map(({ id }) => renamedWhileRunning(id));
    if (running.length > 0) return { kind: 'refused', plan, refusals: running };
    return await transact(plan, seen, healed, intent, request, system);
  } finally {
    for (const { lock } of locks) lock?.release();
  }
}

/** Under its new id, or its new user, a package has another run lock: two syncs could work on one dst, and the old one's state would be lost. */
function renamedWhileRunning(id: string): Refusal {
  return {
    code: 'renamed-running',
    exit: EXIT.busy,
    message: `${id} is running and cannot be renamed or given to another user now`,
    help: `mirror stop ${id}, or apply again when it has ended`,
  };
}

async function transact(
  plan: Plan,
  seen: Observation,
  healed: readonly string[],
  intent: Intent,
  request: Request,
  system: System,
): Promise<Result> {
  const { layout } = intent;
  const isLive = layout.root === '';
  const adopt = request.permissions.drift === 'adopt';
  const files = artifactOperations(plan, intent, seen.manifest, adopt, system);
  const bad = isLive && intent.site.settings.scheduler === 'systemd' ? await verifyUnits(files, system) : [];
  if (bad.length > 0) return { kind: 'refused', plan, refusals: bad };

  const account = stateAccount(intent.site, layout, system);
  const half = stateHalf(layout, account, system);
  const history = await historyOperation(intent, request, plan, system);
  let work: Work;
  let journal: Journal;
  try {
    const wishes = stateWishes(intent, seen, plan, request.hold, system);
    const state = isEmpty(wishes) ? NOTHING : half.prepare(wishes);
    const own = [...gitIgnoreOperations(layout, system), ...files, history];
    work = { ...neededWork(layout, seen, own, system), state };
    const undo = { account, entries: state.entries };
    journal = makeJournal(layout, { ...work, state: undo, ...enablement(plan.changes) }, system);
    writeJournal(layout, journal, system);
  } catch (error) {
    return { kind: 'failed', reason: (error as Error).message, problems: withdrawn(layout, system) };
  }
  let messages: string[];
  try {
    messages = await carryOut(work, half, journal, intent, request, plan, system);
    system.unlink(journalPath(layout));
  } catch (error) {
    const problems = await rollBack(journal, layout, system).catch((again: unknown) => [
      (again as Error).message,
    ]);
    return { kind: 'failed', reason: (error as Error).message, problems };
  }
  // From here on it is applied, whatever happens.
  const after = await finish(journal, intent, request, system).catch((error: unknown) => [
    (error as Error).message,
  ]);
  return { kind: 'applied', plan, messages: [...healed, ...work.state.messages, ...messages, ...after] };
}

/** Takes back a journal that is there, but may not last: its directory could not be synced. */
function withdrawn(layout: Intent['layout'], system: System): string[] {
  try {
    system.unlink(journalPath(layout));
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

function planned(
  intent: Intent,
  { permissions }: Request,
  system: System,
): { plan: Plan; seen: Observation } {
  const seen = observe(intent, system, permissions.refetch);
  return { plan: assemble(intent, seen, permissions, seen.now), seen };
}

/** The result that needs no lock, if there is one; words on packages, which the plan under the lock makes, only for that. */
function settledEarly(intent: Intent, { permissions }: Request, system: System): Result | null {
  const seen = observe(intent, system, permissions.refetch);
  const { nothing, refusals } = judge(intent, seen, permissions);
  return nothing || refusals.length > 0 ? settled(assemble(intent, seen, permissions, seen.now)) : null;
}

/** The result that a plan already is, if it is one. */
function settled(plan: Plan): Extract<Result, { plan: Plan }> | null {
  if (plan.nothing) return { kind: 'nothing', plan, messages: [] };
  return plan.refusals.length > 0 ? { kind: 'refused', plan, refusals: plan.refusals } : null;
}

/** The history with this apply in it, as a file of the same transaction. */
async function historyOperation(
  { site, layout }: Intent,
  { by, files }: Request,
  plan: Plan,
  system: System,
): Promise<Operation> {
  const about = {
    at: system.now(),
    by,
    config: site.configPath,
    ...(await configRevision(site.configPath, files, system)),
  };
  const content = withRecord(system, layout, applyRecord(plan, about));
  return { kind: 'write', path: layout.applyHistory, content, mode: 0o644 };
}

const NOTHING: Work['state'] = { operations: [], entries: [], messages: [] };

/** Root's own share: directories, those above them too, and files; without what is there or gone already. */
function neededWork(
  layout: Intent['layout'],
  seen: Observation,
  files: readonly Operation[],
  system: System,
): Omit<Work, 'state'> {
  const wanted = placeOperations(layout, seen, system);
  const places = [...missingParents([...wanted, ...files], system), ...wanted];
  const isMissing = (path: string): boolean => system.facts(path)?.kind !== 'directory';
  return {
    places: places.filter(({ path }) => isMissing(path)),
    files: files.filter(({ kind, path }) => kind !== 'unlink' || system.actual(path).kind !== 'absent'),
  };
}
