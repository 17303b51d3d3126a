import { existsSync, fstatSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallText, UnfitFile } from '../../../boundary/small-file.js';
import type { ProveAptStep } from '../../../job/proof-step.js';
import type { Outcome } from '../../../job/outcome.js';
import type { EndFacts } from '../../../state/reduce.js';
import { classify } from '../../classify.js';
import { blockedBy } from '../lists/delete.js';
import { PathSet } from '../lists/path-set.js';
import { readPaths, writePaths } from '../lists/writer.js';
import { isPlain, latin1 } from '../names.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import { toolTable } from '../../tools/index.js';
import { proveIndex } from './apt-dists.js';
import { PoolCheck } from './apt-pool.js';
import { describeWrong, refetchPool } from './apt-refetch.js';
import { staleness } from './apt-validity.js';
import { Wrong } from './apt-wrong.js';
import { isByHash, outdatedByHash } from './by-hash.js';
import { filesBelow } from './tree.js';

/** A log of apt-mirror's has some megabytes. */
const TEXT_LIMIT_BYTES = 64 << 20;

/** Checks a fetched apt repository before its index is published. */
export async function proveApt(turn: Turn, step: ProveAptStep): Promise<StepEnd> {
  try {
    return await prove(turn, step);
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    // A half-fetched index may look newer than upstream's: the next run must not keep it.
    if (step.forget !== null) rmSync(step.forget, { recursive: true, force: true });
    return { outcome: await explain(turn, step, error), done: true };
  }
}

async function prove(turn: Turn, step: ProveAptStep): Promise<StepEnd> {
  for (const directory of step.directories ?? []) rmSync(join(step.held, directory), { force: true });
  let { pool, facts } = await look(turn, step);
  if (pool.wrongCount > 0 && pool.wrongCount === pool.wrong.length) {
    for (const { path, problem } of pool.wrong) turn.log.note('INFO', `${path} is ${problem}: fetched again`);
    if (await refetchPool(turn, step, pool.wrong)) ({ pool, facts } = await look(turn, step));
  }
  if (pool.wrongCount > 0) throw new Wrong('transfer', describeWrong(pool.wrong, pool.wrongCount));
  if (!step.by_codename) removeStrangers(step);
  const end = { ...GO_ON, transfer: pool.transfer(step.told !== null), facts };
  return writeDeletions(turn, step, pool.named) ?? end;
}

/** Removes what lies in no configured distribution: no Release file names it, and all that is held is published. */
function removeStrangers({ held, distributions }: ProveAptStep): void {
  const configured = distributions.map(({ name }) => `dists/${name}/`);
  for (const file of filesBelow(held, '')) {
    if (!configured.some((prefix) => file.startsWith(prefix))) unlinkSync(join(held, file));
  }
}

interface Look {
  readonly pool: PoolCheck;
  readonly facts: EndFacts;
}

/** Reads the whole held index and holds the pool against it. */
async function look(turn: Turn, step: ProveAptStep): Promise<Look> {
  const { dst } = turn.session.job;
  const before = new PathSet();
  const pool = new PoolCheck({
    dst,
    beganMs: fstatSync(turn.log.fd).birthtimeMs,
    wanted: step.told !== null && step.left_out.names ? setOf(step.told.wanted) : null,
    before,
  });
  const releases = await proveIndex(turn, step, pool, before);
  return { pool, facts: staleness(turn, releases) };
}

function setOf(list: string): PathSet {
  const set = new PathSet();
  for (const path of readPaths(list)) set.add(Buffer.from(path, 'latin1').toString('utf8'));
  return set;
}

/** Writes what no index names any more; the end of the run if it is too much. Old index files go, too, but do not count. */
function writeDeletions(turn: Turn, step: ProveAptStep, named: PathSet): StepEnd | null {
  if (step.deletions === null) return null;
  const { dst } = turn.session.job;
  const held = new Set(filesBelow(step.held, 'dists'));
  const candidates = step.told === null ? unused(dst, step.directories ?? [], held) : told(step.told.gone);
  const wanted = step.told === null ? null : setOf(step.told.wanted);
  const gone = candidates.filter(
    (path) => !named.has(path) && !held.has(path) && !isByHash(path) && wanted?.has(path) !== true,
  );
  const all = [...gone, ...outdatedByHash(dst, held)];
  writePaths(step.deletions, all.map(latin1));
  const uncounted = new RegExp(step.uncounted);
  return blockedBy(
    turn,
    all.filter((path) => !uncounted.test(path)),
  );
}

function unused(dst: string, directories: readonly string[], held: ReadonlySet<string>): string[] {
  const old = filesBelow(dst, 'dists').filter((path) => !held.has(path));
  return [...directories.flatMap((directory) => filesBelow(dst, directory)), ...old];
}

function told(list: string): string[] {
  return [...readPaths(list)].filter(isPlain).map((path) => Buffer.from(path, 'latin1').toString('utf8'));
}

/** The tool's own logs may tell why: what they say decides, if its table knows it. */
async function explain(turn: Turn, step: ProveAptStep, wrong: Wrong): Promise<Outcome> {
  const lines = existsSync(step.logs)
    ? readdirSync(step.logs)
        .filter((name) => /-log\.\d+$/.test(name))
        .flatMap((name) => logText(join(step.logs, name)).split('\n'))
        .filter((line) => /ERROR|failed|error|No space|unable|refused|timed out/i.test(line))
    : [];
  for (const line of [...new Set(lines)].slice(0, 20)) turn.log.note('WARNING', line);
  turn.log.note('ERROR', wrong.message);
  const own: Outcome = { kind: 'failed', failure: wrong.failure, reason: wrong.message };
  if (wrong.failure === 'auth') return own;
  const table = await toolTable(step.tool);
  const told = classify(table, { exit: 1, signal: null, output: lines.join('\n') });
  if (told.kind !== 'failed' || told.failure === 'tool') return own;
  return { ...told, reason: `${wrong.message}: ${told.reason}` };
}

/** Empty when it is not read: a log only explains. */
function logText(path: string): string {
  try {
    return readSmallText(path, { limitBytes: TEXT_LIMIT_BYTES }) ?? '';
  } catch (error) {
    if (error instanceof UnfitFile) return '';
    throw error;
  }
}
