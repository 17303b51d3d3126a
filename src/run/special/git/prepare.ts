import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallText } from '../../../boundary/small-file.js';
import type { Outcome } from '../../../job/outcome.js';
import type { PrepareRepositoryStep } from '../../../job/repository-step.js';
import { executeStep, otherCommand } from '../../exec.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import { bytes } from '../names.js';
import { executeQuietly } from '../quiet.js';
import { chooseRefs, findDifferences, findObstacles, namesOnlyIn, readAnswer } from './answer.js';
import { blockedByRefs, readRefs, removeRefs } from './delete-refs.js';
import { removeStaleLocks } from './locks.js';

/** Largest `config` of a repository that is read. */
const CONFIG_LIMIT_BYTES = 1 << 20;

/** What makes a bare repository; removed together if one without refs has the wrong object format. */
const MADE_BY_INIT = ['HEAD', 'config', 'objects', 'refs', 'packed-refs', 'info', 'description'];

/** Makes a repository ready for a fetch, and ends the run first if too much would be deleted after it. */
export async function prepareRepository(turn: Turn, step: PrepareRepositoryStep): Promise<StepEnd> {
  const { log, session } = turn;
  if (hasRepository(step.directory)) {
    removeStaleLocks(step.directory, session.state.run?.started ?? Date.now(), log);
  }
  const asked = await executeQuietly(turn, { ...step, kind: 'exec' }, step.answer);
  if (asked.outcome.kind !== 'synced') return { outcome: asked.outcome, done: true };
  const answer = readAnswer(step.answer);
  if (answer.odd.length > 0) {
    const example = bytes(answer.odd[0] ?? '').toString('utf8');
    log.note('WARNING', `${String(answer.odd.length)} refs have names that git refuses, such as ${example}`);
  }
  const upstream = chooseRefs(answer, step.refs);
  const failed = await makeRepository(turn, step, answer.refs.values().next().value ?? answer.head);
  if (failed !== null) return { outcome: failed, done: true };
  const there = await readRefs(turn, step);
  if ('outcome' in there) return there;
  const changed = findDifferences(upstream, there.refs);
  const marker = `${step.answer}.changed`;
  rmSync(marker, { force: true });
  if (changed.length > 0) writeFileSync(marker, '', { mode: 0o600 });
  if (!step.deletes) return GO_ON;
  const gone = namesOnlyIn(there.refs, upstream);
  const news = namesOnlyIn(upstream, there.refs).length;
  const blocked = blockedByRefs(turn, gone.length, there.refs.size + news);
  return blocked ?? removeRefs(turn, step, findObstacles(gone, upstream), there.refs);
}

function hasRepository(directory: string): boolean {
  return existsSync(join(directory, 'HEAD')) && existsSync(join(directory, 'objects'));
}

/** Makes the repository in the object format of `id`, one of upstream's, if it is not there; how the run ends, or null. */
async function makeRepository(
  turn: Turn,
  step: PrepareRepositoryStep,
  id: string | null,
): Promise<Outcome | null> {
  const wanted = id?.length === 64 ? 'sha256' : 'sha1';
  if (hasRepository(step.directory)) {
    const format = objectFormat(step.directory);
    if (id === null || format === wanted) return null;
    const there = await readRefs(turn, step);
    if ('outcome' in there) return there.outcome;
    if (there.refs.size > 0) {
      const reason = `${step.directory} is a repository with ${format} ids, and upstream's are ${wanted}: mirror it to another dst`;
      return { kind: 'failed', failure: 'config', reason };
    }
    // What a run that failed for this reason left behind: nobody can have cloned it.
    for (const name of MADE_BY_INIT) rmSync(join(step.directory, name), { recursive: true, force: true });
  }
  const format = wanted === 'sha256' ? ['--object-format=sha256'] : [];
  const made = await executeStep(
    turn,
    otherCommand(step, [...step.init, ...format, step.directory]),
    'refresh',
  );
  return made.outcome.kind === 'synced' ? null : made.outcome;
}

function objectFormat(directory: string): 'sha1' | 'sha256' {
  const config = readSmallText(join(directory, 'config'), { limitBytes: CONFIG_LIMIT_BYTES }) ?? '';
  return /^\s*objectformat\s*=\s*sha256\s*$/im.test(config) ? 'sha256' : 'sha1';
}
