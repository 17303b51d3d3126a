import { existsSync, fstatSync, lstatSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallText, UnfitFile } from '../../../boundary/small-file.js';
import type { ProveAptStep } from '../../../job/proof-step.js';
import type { FailureKind, Outcome } from '../../../job/outcome.js';
import type { Transfer } from '../../../state/package-state.js';
import { classify } from '../../classify.js';
import { executeStep, otherCommand } from '../../exec.js';
import { figures } from '../../figures.js';
import { blockedBy } from '../lists/delete.js';
import { digestOf } from '../digest.js';
import { writePaths } from '../lists/writer.js';
import { isPlain, latin1 } from '../names.js';
import { GO_ON } from '../../steps.js';
import type { StepEnd, Turn } from '../../steps.js';
import { toolTable } from '../../tools/index.js';
import { indexFiles, releaseFiles } from './apt-index.js';
import type { Expected } from './apt-index.js';
import { clearText } from './clear-text.js';
import { filesBelow } from './tree.js';

/** A Release file of the largest archive has some hundred kilobytes, a log of apt-mirror's some megabytes. */
const TEXT_LIMIT_BYTES = 64 << 20;

/** What is wrong with what was fetched; thrown within this file only. */
class Wrong extends Error {
  constructor(
    readonly failure: FailureKind,
    message: string,
  ) {
    super(message);
  }
}

/** Checks a fetched apt repository before its index is published. */
export async function proveApt(turn: Turn, step: ProveAptStep): Promise<StepEnd> {
  try {
    return await check(turn, step);
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    // A half-fetched index may look newer than upstream's: the next run must not keep it.
    rmSync(step.forget, { recursive: true, force: true });
    return { outcome: await explained(turn, step, error), done: true };
  }
}

async function check(turn: Turn, step: ProveAptStep): Promise<StepEnd> {
  for (const directory of step.directories) rmSync(join(step.held, directory), { force: true });
  const named = new Map<string, Expected>();
  for (const distribution of step.distributions) {
    const at = join(step.held, 'dists', distribution.name);
    const release = await signedRelease(turn, step, distribution.name);
    checkIndex(at, release);
    for (const index of indexesOf(distribution, release)) {
      if (!existsSync(join(at, index)))
        throw new Wrong('transfer', `${distribution.name}/${index} is not there`);
      for (const [path, expected] of indexFiles(join(at, index))) named.set(path, expected);
    }
  }
  const transfer = checkPool(turn, named);
  removeStrangers(step);
  if (step.deletions === null) return { ...GO_ON, transfer };
  return writeDeletions(turn, step, step.deletions, named) ?? { ...GO_ON, transfer };
}

/** Removes what lies in no configured distribution: no Release file names it, and all that is held is published. */
function removeStrangers({ held, distributions }: ProveAptStep): void {
  const configured = distributions.map(({ name }) => `dists/${name}/`);
  for (const file of filesBelow(held, '')) {
    if (!configured.some((prefix) => file.startsWith(prefix))) unlinkSync(join(held, file));
  }
}

/** The text of a distribution's Release file, of which it is known that it is the one that was signed. */
async function signedRelease(turn: Turn, step: ProveAptStep, name: string): Promise<string> {
  const at = join(step.held, 'dists', name);
  const text = (file: string): string | null =>
    readSmallText(join(at, file), { limitBytes: TEXT_LIMIT_BYTES });
  const [inline, release] = [text('InRelease'), text('Release')];
  const clear = inline === null ? release : clearText(inline);
  if (clear === null) throw new Wrong('config', `${name} has no Release file`);
  if (release !== null && release.trim() !== clear.trim()) {
    throw new Wrong('transfer', `${name}: Release and InRelease are not of the same time`);
  }
  if (!step.signed) return clear;
  const files = inline !== null ? ['InRelease'] : ['Release.gpg', 'Release'];
  const absent = files.find((file) => !existsSync(join(at, file)));
  if (absent !== undefined) throw new Wrong('auth', `${name} is not signed: there is no ${absent}`);
  const output = join(step.texts, `${name.replaceAll('/', '_')}.text`);
  const argv = [
    ...step.argv,
    ...(inline === null ? [] : ['--output', output]),
    ...files.map((file) => join(at, file)),
  ];
  const { outcome } = await executeStep(turn, otherCommand(step, argv), 'probe');
  if (outcome.kind !== 'synced') {
    const failed = outcome.kind === 'failed' ? outcome.failure : 'tool';
    throw new Wrong(failed, 'reason' in outcome ? outcome.reason : 'the signature was not checked');
  }
  // What gpgv says was signed, not what we take for it.
  return inline === null ? clear : (readSmallText(output, { limitBytes: TEXT_LIMIT_BYTES }) ?? '');
}

/** Every file of the index is what the Release file says; what it does not name is not published. */
function checkIndex(at: string, release: string): void {
  const expected = releaseFiles(release);
  for (const file of filesBelow(at, '')) {
    if (/^(InRelease|Release|Release\.gpg)$/.test(file)) continue;
    const known = expected.get(file);
    if (known === undefined && /(Packages|Sources)\.\w+$/.test(file)) {
      throw new Wrong('transfer', `${file} is not named by the Release file`);
    }
    if (known === undefined && !/(Packages|Sources)$/.test(file)) unlinkSync(join(at, file));
    if (known !== undefined && !isAs(join(at, file), known, true)) {
      throw new Wrong('transfer', `${file} is not what the Release file says`);
    }
  }
}

/** The indexes of packages that a distribution must have, uncompressed as apt-mirror leaves them. */
function indexesOf(
  { name, components, arches }: ProveAptStep['distributions'][number],
  release: string,
): string[] {
  const expected = [...releaseFiles(release).keys()];
  return components.flatMap((component) =>
    arches.map((arch) => {
      const index =
        arch === 'source' ? `${component}/source/Sources` : `${component}/binary-${arch}/Packages`;
      if (expected.some((file) => file === index || file.startsWith(`${index}.`))) return index;
      throw new Wrong('config', `${name} has no ${index}`);
    }),
  );
}

/** All that is named is in dst; what has come in this run has its digest, too, or is removed again. */
function checkPool(turn: Turn, named: ReadonlyMap<string, Expected>): Transfer {
  const { dst } = turn.session.job;
  const began = fstatSync(turn.log.fd).birthtimeMs;
  let [total, came, bytes, missing] = [0, 0, 0, 0];
  let first = '';
  for (const [path, expected] of named) {
    const file = join(dst, path);
    const stat = isPlain(path) ? lstatSync(file, { throwIfNoEntry: false }) : undefined;
    const fresh = stat !== undefined && stat.ctimeMs >= began;
    if (stat?.isFile() && isAs(file, expected, fresh)) {
      total += expected.size;
      if (!fresh) continue;
      came += 1;
      bytes += expected.size;
      continue;
    }
    // apt-mirror looks at sizes only: it would keep this for ever.
    if (stat?.isFile() && fresh) unlinkSync(file);
    missing += 1;
    if (first === '') first = path;
  }
  if (missing > 0) {
    const words = `${String(missing)} files that the index names are not there, or damaged, such as ${first}`;
    throw new Wrong('transfer', words);
  }
  const sums = { transferred_files: came, transferred_bytes: bytes, received_bytes: bytes };
  return figures({ files: named.size, total_bytes: total, ...sums });
}

function isAs(path: string, { size, sha256 }: Expected, read: boolean): boolean {
  if (lstatSync(path).size !== size) return false;
  return !read || sha256 === null || digestOf(path, 'sha256') === sha256;
}

/** Old index files go, too, but do not count. */
function writeDeletions(
  turn: Turn,
  step: ProveAptStep,
  deletions: string,
  named: ReadonlyMap<string, Expected>,
): StepEnd | null {
  const { dst } = turn.session.job;
  const gone = step.directories
    .flatMap((directory) => filesBelow(dst, directory))
    .filter((path) => !named.has(path));
  const held = new Set(filesBelow(step.held, 'dists'));
  const old = filesBelow(dst, 'dists').filter((path) => !held.has(path));
  writePaths(deletions, [...gone, ...old].map(latin1));
  return blockedBy(turn, gone);
}

/** The tool's own logs may tell why: what they say decides, if its table knows it. */
async function explained(turn: Turn, step: ProveAptStep, wrong: Wrong): Promise<Outcome> {
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
