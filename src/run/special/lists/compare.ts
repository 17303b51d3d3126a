import { closeSync, existsSync, fstatSync, lstatSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openToRead } from '../../../boundary/regular-file.js';
import { readAt } from '../../../boundary/small-file.js';
import type { Job } from '../../../job/job.js';
import type { ListChangesStep } from '../../../job/list-step.js';
import { isSuccess } from '../../../job/outcome.js';
import { executeStep } from '../../exec.js';
import { fnv1a } from '../../../job/hash.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import { WrongList, changesOf } from './changes.js';
import type { ListWork } from './changes.js';
import { blockedBy } from './delete.js';
import { wrongFrame } from './entry.js';
import { Nested } from '../nested.js';
import { listFilter } from './filter.js';
import { readRecord } from './record.js';
import type { ListRecord, ListTotals } from './record.js';
import { wholeOf } from './whole.js';
import { writePaths } from './writer.js';

/** rsync compares each name that comes with all that it asked for: beyond this many, a walk takes less. */
const MANY = 20_000;

/** What upstream has of a file: another one than dst, the same, or none. */
type Fetched = 'new' | 'same' | 'none';

/** What `install-lists` is told. `totals` null: the lists were not believed, and dst is as a full pass left it. */
export interface ListSummary {
  readonly files: Readonly<Record<string, Fetched>>;
  readonly totals: Readonly<Record<string, ListTotals>> | null;
  readonly of: number;
  /** Epoch ms of the last pass over everything listed. */
  readonly whole: number;
}

/**
 * Fetches upstream's lists and works out what is to be done. Lists that are the same as those that describe dst end the
 * run as unchanged; lists that are missing or make no sense leave the run to a pass that does not need them.
 */
export async function compareLists(turn: Turn, step: ListChangesStep): Promise<StepEnd> {
  const { log, session } = turn;
  const { dst } = session.job;
  const of = fnv1a(JSON.stringify(turn.source.steps));
  const record = readRecord(step.record, dst, of);
  const fetched = await fetchLists(turn, step, record);
  if ('outcome' in fetched) return fetched;
  const { files, trouble } = fetched;
  const wrong = trouble ?? untrustworthy(step, files);
  const now = Date.now();
  const whole = record === null || now - record.whole >= step.full_every * 1000 || now < record.whole;
  if (wrong === null && !whole && nothingNew(files, dst)) {
    return { outcome: { kind: 'unchanged' }, done: true };
  }
  const work =
    wrong === null ? workFor(step, session.job, files, whole ? null : record) : new WrongList(wrong);
  if (work instanceof WrongList) {
    log.note('WARNING', `${work.message}: full rsync instead of the list`);
    rmSync(step.record, { force: true });
    for (const path of [step.transfer, step.unwanted, step.verify]) rmSync(path, { force: true });
    writeFileSync(step.full, '');
    summarize(step, { files, totals: null, of, whole: 0 });
    return GO_ON;
  }
  const { transfers, deletions, totals } = work;
  const why = reason(record, whole, transfers);
  log.note(
    'INFO',
    `${why}: ${transfers === null ? 'everything' : String(transfers)} to transfer, ${String(deletions.length)} to delete`,
  );
  const blocked = blockedBy(turn, deletions);
  if (blocked !== null) return blocked;
  writePaths(step.deletions, deletions);
  const last = transfers === null || record === null ? now : record.whole;
  summarize(step, { files, totals, of, whole: last });
  return GO_ON;
}

function reason(record: ListRecord | null, due: boolean, transfers: number | null): string {
  if (record === null) return 'no list of ours in dst';
  if (due) return 'a full pass is due';
  return transfers === null ? 'too much has changed to name it' : 'what has changed';
}

/** What upstream has of each file, or how the run ends because that cannot be told. */
async function fetchLists(
  turn: Turn,
  step: ListChangesStep,
  record: ListRecord | null,
): Promise<{ files: Record<string, Fetched>; trouble: string | null } | StepEnd> {
  const { log, session } = turn;
  // Lists in dst that are not known to be ours are not compared with: upstream's own come whole.
  const argv = record === null ? step.argv.toSpliced(step.compare, 1) : step.argv;
  const end = await executeStep(turn, { ...step, kind: 'exec', argv }, 'probe');
  const unread = end.outcome.kind === 'failed' && end.outcome.failure === 'transfer';
  if (session.interruption.signal !== null) return { outcome: end.outcome, done: true };
  if (!isSuccess(end.outcome) && !unread) return { outcome: end.outcome, done: true };
  const named = new Set(
    log
      .since(end.from)
      .split('\n')
      .filter((line) => line.startsWith('.f'))
      .map((line) => line.slice(12)),
  );
  const files = [...step.lists.map(({ file }) => file), ...step.extra].map((file): [string, Fetched] => {
    const stat = lstatSync(join(step.fetched, file), { throwIfNoEntry: false });
    if (stat?.isFile()) return [file, 'new'];
    return [file, named.has(file) && record !== null ? 'same' : 'none'];
  });
  const trouble = end.outcome.kind === 'synced' ? null : 'upstream does not give its lists';
  return { files: Object.fromEntries(files), trouble };
}

/** Why the lists cannot be used at all, or null. */
function untrustworthy(step: ListChangesStep, files: Readonly<Record<string, Fetched>>): string | null {
  for (const { file } of step.lists) {
    if (files[file] === 'none') return `upstream has no ${file}`;
    const wrong = files[file] === 'new' ? frameTrouble(join(step.fetched, file)) : null;
    if (wrong !== null) return `${file} ${wrong}`;
  }
  return null;
}

function frameTrouble(path: string): string | null {
  const fd = openToRead(path);
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(256);
    const text = (at: number): string => buffer.toString('latin1', 0, readAt(fd, buffer, at));
    return wrongFrame(text(0), text(Math.max(0, size - buffer.length)));
  } finally {
    closeSync(fd);
  }
}

function nothingNew(files: Readonly<Record<string, Fetched>>, dst: string): boolean {
  return Object.entries(files).every(
    ([file, state]) => state === 'same' || (state === 'none' && !existsSync(join(dst, file))),
  );
}

/** `record` null: everything is to be looked at. */
function workFor(
  step: ListChangesStep,
  job: Job,
  files: Readonly<Record<string, Fetched>>,
  record: ListRecord | null,
): ListWork | WrongList {
  const { dst } = job;
  const filter = listFilter(step);
  const isNew = (file: string): boolean => files[file] === 'new';
  try {
    if (record !== null) {
      const known = Object.entries(record.lists).map(([file, { totals }]) => [file, totals] as const);
      const work = changesOf(step, filter, dst, isNew, Object.fromEntries(known));
      if (work.transfers === null || work.transfers <= MANY) return work;
      for (const path of [step.transfer, step.verify]) rmSync(path, { force: true });
    }
    const current = (file: string): string => join(isNew(file) ? step.fetched : dst, file);
    return wholeOf(step, filter, dst, current, new Nested(job));
  } catch (error) {
    if (error instanceof WrongList) return error;
    throw error;
  }
}

function summarize(step: ListChangesStep, summary: ListSummary): void {
  writeFileSync(step.summary, JSON.stringify(summary), { mode: 0o600 });
}
