import { moveAway } from '../job/move-away.js';
import { layout as layoutOf, type Layout } from '../job/layout.js';
import { HISTORY_LIMIT_BYTES } from '../state/history.js';
import { RECORD_LIMIT_BYTES } from '../state/record-file.js';
import { isBaseline, type Baseline, type PackageState } from '../state/package-state.js';
import type { Reader } from '../system/system.js';
import { carryOver } from './carry-over.js';
import { importStatfile } from './import-statfile.js';
import { entriesFor, type Entry } from './journal.js';
import { machineRecordPath } from './machine.js';
import { STATE_MODE, type Operation } from './operation.js';
import { readJson } from './read-json.js';
import { slotFiles } from './slot-files.js';
import type { BaselineWish, StateWishes } from './state-wishes.js';

/** How the wishes of an apply are fulfilled; nothing is written yet. */
export interface PreparedState {
  readonly operations: readonly Operation[];
  /** What lies there now, to put it back. */
  readonly entries: readonly Entry[];
  /** Lines for people. */
  readonly messages: readonly string[];
}

/**
 * Works out what to write and to unlink in the state directory. Runs with the rights of the directory's user, and reads
 * nothing but what parses. Throws if something else than a file lies where one is to be written.
 */
export function prepareState(
  wishes: StateWishes,
  { root }: Pick<Layout, 'root'>,
  system: Reader,
): PreparedState {
  const [before, layout] = [wishes.owners.before, wishes.owners.after].map((owned) =>
    layoutOf(root, new Map(owned)),
  ) as [Layout, Layout];
  const carried = wishes.renames.map(([old, id]) => carryOver({ before, after: layout }, old, id, system));
  const renames = carried.flatMap(({ operations }) => operations);
  const moved = new Set(renames.map(({ path }) => path));
  const hasState = (id: string): boolean =>
    moved.has(layout.stateFile(id)) || system.actual(layout.stateFile(id)).kind !== 'absent';
  const imported = importStatfile(wishes.statfile, layout, hasState, system);
  const baselines = wishes.baselines.map((wish) => baselineOperation(wish, layout, system));
  const newest = new Set(baselines.map(({ path }) => path));
  // A baseline of now stands above one that a rename brings along, and a hold that comes along above one of now.
  const brought = renames.filter(({ path }) => !newest.has(path));
  const held = holds(wishes, layout).filter(({ path }) => !moved.has(path));
  const slots = slotFiles(wishes.slots, layout, system);
  const machine = machineOperations(wishes, layout);
  const operations = [...machine, ...slots, ...brought, ...imported.operations, ...baselines, ...held];
  return {
    operations,
    entries: entriesFor(operations, system).map(refuseLarge),
    messages: [...carried.flatMap(({ messages }) => messages), ...imported.messages],
  };
}

/** Bytes of the largest file that a reader of the state reads: a history, or a record. */
const LARGEST_BYTES = Math.max(RECORD_LIMIT_BYTES, HISTORY_LIMIT_BYTES);

/** What is kept to be put back goes through root's journal, which another user must not fill. Throws. */
function refuseLarge(entry: Entry): Entry {
  const { path, before } = entry;
  if (before.kind === 'file' && Buffer.byteLength(before.content) > LARGEST_BYTES)
    throw new Error(
      `${path} is larger than ${String(LARGEST_BYTES)} bytes: ${moveAway(path, `${path}.odd`)}`,
    );
  return entry;
}

function baselineOperation(
  { id, from, now, freshDst }: BaselineWish,
  layout: Layout,
  system: Reader,
): Operation {
  const path = layout.baselineFile(id);
  const found = readJson(path, system) as Partial<Baseline> | null;
  const before = isBaseline(found) ? found : null;
  const state = readJson(layout.stateFile(id), system) as Partial<PackageState> | null;
  const baseline: Baseline = {
    ...before,
    at: from ?? before?.at ?? now,
    ...(freshDst !== null && { fresh_dst: freshDst, fresh_after: state?.last_success ?? null }),
  };
  return { kind: 'write', path, content: JSON.stringify(baseline), mode: STATE_MODE };
}

function machineOperations({ machine }: StateWishes, layout: Layout): Operation[] {
  if (machine === null) return [];
  const path = machineRecordPath(layout);
  return [{ kind: 'write', path, content: JSON.stringify(machine), mode: STATE_MODE }];
}

function holds({ hold }: StateWishes, layout: Layout): Operation[] {
  if (hold === null) return [];
  const content = JSON.stringify(hold.hold);
  return hold.ids.map((id) => ({ kind: 'write', path: layout.holdFile(id), content, mode: STATE_MODE }));
}
