import { createReadStream, fstatSync } from 'node:fs';
import { join } from 'node:path';
import type { ProveRpmStep } from '../../../job/proof-step.js';
import type { Outcome } from '../../../job/outcome.js';
import { writeFileAtomic } from '../../../system/atomic.js';
import { readSmallText } from '../../../boundary/small-file.js';
import { executeStep, otherCommand } from '../../exec.js';
import { figures } from '../../figures.js';
import { blockedBy } from '../lists/delete.js';
import { writePaths } from '../lists/writer.js';
import { isPlain, latin1 } from '../names.js';
import type { Transfer } from '../../../state/package-state.js';
import { proveIndex, warnOfForeignPackages } from './rpm-index.js';
import { filesBelow } from './tree.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import { lstatIfThere } from '../../../system/if-there.js';

/** What a record of some million verified files has. */
const RECORD_LIMIT_BYTES = 256 << 20;

/** Paths that one call of the verifying tool gets. */
const BATCH = 500;

/** A file that the new index names. */
interface Named {
  readonly path: string;
  readonly size: number;
  readonly changed: number;
}

/** Holds dst to its new index, and works out what no index names any more. */
export async function proveRpm(turn: Turn, step: ProveRpmStep): Promise<StepEnd> {
  const index = proveIndex(turn.session.job.dst, step);
  if (index !== null) return { outcome: index, done: true };
  await warnOfForeignPackages(turn, step.held);
  const listed = await executeStep(turn, otherCommand(step, step.argv), 'probe');
  if (listed.outcome.kind !== 'synced') return { outcome: listed.outcome, done: true };
  const names = await namesIn(turn, listed.from, step.strip);
  const { dst } = turn.session.job;
  const there = names.flatMap((path) => stat(dst, path));
  if (there.length < names.length) return missing(names, there);
  const refused = step.verify === null ? null : await verify(turn, step, step.verify, there);
  if (refused !== null) return { outcome: refused, done: true };
  const blocked = step.deletions === null ? null : writeDeletions(turn, step, step.deletions, names);
  if (blocked !== null) return blocked;
  return { ...GO_ON, transfer: counted(turn, there) };
}

/** What the tool listed, each once; paths that lead out of dst are those of no file there. */
async function namesIn(turn: Turn, from: number, strip: string): Promise<string[]> {
  const names = new Set<string>();
  const { createInterface } = process.getBuiltinModule('node:readline');
  const lines = createInterface({
    input: createReadStream('', { fd: turn.log.fd, start: from, autoClose: false }),
  });
  for await (const line of lines) if (line.startsWith(strip)) names.add(line.slice(strip.length));
  return [...names];
}

function stat(dst: string, path: string): Named[] {
  if (!isPlain(path)) return [];
  const found = lstatIfThere(join(dst, path));
  return found?.isFile() ? [{ path, size: found.size, changed: found.ctimeMs }] : [];
}

function missing(names: readonly string[], there: readonly Named[]): StepEnd {
  const known = new Set(there.map(({ path }) => path));
  const gone = names.filter((path) => !known.has(path));
  const reason = `${String(gone.length)} files that the index names are not there, such as ${gone[0] ?? ''}`;
  return { outcome: { kind: 'failed', failure: 'transfer', reason }, done: true };
}

/** Lets the tool see what it has not passed yet; on success all that is there is remembered as passed. */
async function verify(
  turn: Turn,
  step: ProveRpmStep,
  { argv, record }: NonNullable<ProveRpmStep['verify']>,
  there: readonly Named[],
): Promise<Outcome | null> {
  // Another key is another question.
  const rule = JSON.stringify(argv);
  const line = ({ path, size, changed }: Named): string => JSON.stringify([path, size, changed]);
  const [known, ...passed] = readSmallText(record, { limitBytes: RECORD_LIMIT_BYTES })?.split('\n') ?? [];
  const before = new Set(known === rule ? passed : []);
  const fresh = there.filter((file) => !before.has(line(file)));
  for (let at = 0; at < fresh.length; at += BATCH) {
    const paths = fresh.slice(at, at + BATCH).map(({ path }) => `./${path}`);
    const { outcome } = await executeStep(turn, otherCommand(step, [...argv, ...paths]), 'probe');
    if (outcome.kind !== 'synced') return outcome;
  }
  writeFileAtomic(record, [rule, ...there.map(line)].join('\n'), 0o600);
  return null;
}

/** Writes what is to go; the outcome when that is too much. The index's own old files do not count. */
function writeDeletions(
  turn: Turn,
  step: ProveRpmStep,
  deletions: string,
  names: readonly string[],
): StepEnd | null {
  const { dst } = turn.session.job;
  const named = new Set(names);
  const held = new Set(filesBelow(step.held, ''));
  const inIndex = new Set([...held].map((path) => path.slice(0, path.lastIndexOf('/'))));
  const gone: string[] = [];
  const old: string[] = [];
  for (const path of filesBelow(dst, '')) {
    if (inIndex.has(path.slice(0, Math.max(0, path.lastIndexOf('/'))))) {
      if (!held.has(path)) old.push(path);
    } else if (path.endsWith(step.suffix) && !named.has(path)) gone.push(path);
  }
  writePaths(deletions, [...gone, ...old].map(latin1));
  return blockedBy(turn, gone);
}

/** What has come since the run's log was begun, and what there is in all. */
function counted(turn: Turn, there: readonly Named[]): Transfer {
  const began = fstatSync(turn.log.fd).birthtimeMs;
  const sum = (files: readonly Named[]): number => files.reduce((bytes, { size }) => bytes + size, 0);
  const came = there.filter(({ changed }) => changed >= began);
  const bytes = sum(came);
  const all = { files: there.length, total_bytes: sum(there) };
  return figures({ ...all, transferred_files: came.length, transferred_bytes: bytes, received_bytes: bytes });
}
