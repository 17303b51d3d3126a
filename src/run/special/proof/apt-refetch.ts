import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProveAptStep } from '../../../job/proof-step.js';
import { executeStep, otherCommand } from '../../exec.js';
import type { Turn } from '../../steps.js';
import { hasDigest } from './apt-pool.js';
import type { WrongFile } from './apt-pool.js';
import type { IndexFile } from './apt-wanted.js';
import { Wrong } from './apt-wrong.js';
import { lstatIfThere } from '../../../system/if-there.js';

/** Compressions in the order in which a client of apt likes them. */
const PREFERRED = ['.xz', '.gz', '.bz2', '.zst', '.lzma', ''];

/**
 * Fetches a file of the index that a client asks for, and that the tool has left out because it does not know the name, or
 * could not get. Throws Wrong if it does not come.
 */
export async function refetchIndex(
  turn: Turn,
  step: ProveAptStep,
  distribution: string,
  index: IndexFile,
): Promise<void> {
  const names = PREFERRED.map((suffix) => index.base + suffix).filter((name) => index.names.includes(name));
  const [name = index.base] = names;
  const path = `dists/${distribution}/${name}`;
  const { refetch } = step;
  if (refetch.by === 'tool') {
    const kinds = index.names.map((found) => found.slice(index.base.length) || 'plain').join(', ');
    throw new Wrong(
      'transfer',
      `dists/${distribution}/${index.base} (${kinds}) did not come with ${step.tool}`,
    );
  }
  const to = join(step.held, path);
  mkdirSync(dirname(to), { recursive: true });
  const kept = join(refetch.skeleton, path);
  // apt-mirror fetches what has an `@` in its name, and then does not find it.
  if (lstatIfThere(kept)?.isFile()) copyFileSync(kept, to);
  else await fetchFile(turn, step, refetch, path, to);
}

/** What the proof says of files that are missing or wrong. */
export function describeWrong(wrong: readonly WrongFile[], count: number): string {
  const path = wrong[0]?.path ?? '';
  return wrong.every(({ problem }) => problem === 'replaced')
    ? `${String(count)} files are not those that the index names, such as ${path}`
    : `${String(count)} files that the index names are not there, or damaged, such as ${path}`;
}

type FileRefetch = Extract<ProveAptStep['refetch'], { by: 'file' }>;

async function fetchFile(
  turn: Turn,
  step: ProveAptStep,
  { argv, url }: FileRefetch,
  path: string,
  to: string,
  message = `${path} is not there`,
): Promise<void> {
  const words = [...argv, to, `${url}/${path.split('/').map(encodeURIComponent).join('/')}`];
  const { outcome } = await executeStep(turn, otherCommand(step, words), 'refresh');
  if (outcome.kind === 'synced') return;
  rmSync(to, { force: true });
  const isKnown = outcome.kind === 'failed' && outcome.failure !== 'tool';
  const reason = 'reason' in outcome ? `: ${outcome.reason}` : '';
  throw new Wrong(isKnown ? outcome.failure : 'transfer', `${message}${reason}`);
}

/**
 * Fetches files of the pool again that are missing or not what the new index says. Returns whether it is worth looking
 * again. What does not come leaves dst as it was.
 */
export async function refetchPool(
  turn: Turn,
  step: ProveAptStep,
  wrong: readonly WrongFile[],
): Promise<boolean> {
  const { refetch } = step;
  if (refetch.by === 'tool') return runAgain(turn, step, refetch.argv, wrong);
  const { dst } = turn.session.job;
  const to = join(step.texts, 'refetched');
  for (const file of wrong) {
    const { path, expected, problem } = file;
    // It has come in this run, and would come again as it is.
    if (problem === 'damaged') return false;
    await fetchFile(turn, step, refetch, path, to, describeWrong([file], wrong.length));
    if (!hasDigest(to, expected)) return false;
    place(to, dst, path);
  }
  return true;
}

/** Moves a file into dst, whose directories on the way have to be real ones. */
function place(from: string, dst: string, path: string): void {
  let directory = dst;
  for (const part of dirname(path).split('/')) {
    directory = join(directory, part);
    const stat = lstatIfThere(directory);
    if (stat === null) mkdirSync(directory);
    else if (!stat.isDirectory()) throw new Wrong('dst', `${directory} is not a directory`);
  }
  const beside = join(dst, `${path}.~tmp~`);
  copyFileSync(from, beside);
  rmSync(from);
  renameSync(beside, join(dst, path));
}

/** The tool fetches what it does not find: what is wrong is set aside while it runs once more. */
async function runAgain(
  turn: Turn,
  step: ProveAptStep,
  argv: readonly string[],
  wrong: readonly WrongFile[],
): Promise<boolean> {
  const replaced = wrong.filter(({ problem }) => problem === 'replaced');
  // What is missing, or damaged, the tool has tried to fetch in this run.
  if (replaced.length < wrong.length) return false;
  const { dst } = turn.session.job;
  const aside = join(dirname(step.held), 'aside');
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside);
  const moved = replaced.map(({ path }, index) => ({
    path: join(dst, path),
    aside: join(aside, String(index)),
  }));
  try {
    for (const file of moved) renameSync(file.path, file.aside);
    rmSync(step.held, { recursive: true, force: true });
    mkdirSync(step.held, { mode: 0o700 });
    for (const list of Object.values(step.told ?? {})) rmSync(list, { force: true });
    const { outcome } = await executeStep(turn, otherCommand(step, argv), 'pass');
    if (outcome.kind === 'synced') return true;
    const reason = 'reason' in outcome ? outcome.reason : outcome.kind;
    throw new Wrong(outcome.kind === 'failed' ? outcome.failure : 'transfer', reason);
  } finally {
    for (const file of moved) if (!existsSync(file.path)) renameSync(file.aside, file.path);
    rmSync(aside, { recursive: true, force: true });
  }
}
