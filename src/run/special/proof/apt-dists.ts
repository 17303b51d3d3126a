import { existsSync, lstatSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openToRead } from '../../../boundary/regular-file.js';
import { readSmallText, UnfitFile } from '../../../boundary/small-file.js';
import type { AptDistribution, ProveAptStep } from '../../../job/proof-step.js';
import { lstatIfThere, unlessGone } from '../../../system/if-there.js';
import { executeStep, otherCommand } from '../../exec.js';
import type { PathSet } from '../lists/path-set.js';
import type { Turn } from '../../steps.js';
import { READABLE, visitIndex } from './apt-index.js';
import { entryOf, hasDigest } from './apt-pool.js';
import type { PoolCheck } from './apt-pool.js';
import { refetchIndex } from './apt-refetch.js';
import { isSameText, parseRelease, RELEASE_LIMIT_BYTES } from './apt-release.js';
import { clearText } from './clear-text.js';
import type { Release } from './apt-release.js';
import { indexFiles, isWanted } from './apt-wanted.js';
import type { IndexFile } from './apt-wanted.js';
import type { NamedRelease } from './apt-validity.js';
import { Wrong } from './apt-wrong.js';
import { linkByHash } from './by-hash.js';
import { filesBelow } from './tree.js';

const RELEASE_FILES = ['InRelease', 'Release', 'Release.gpg'];

/**
 * Proves every distribution of a held index, and has `pool` check all files that it names. Fills `before` with those of the
 * index in dst, as far as it is another one.
 */
export async function proveIndex(
  turn: Turn,
  step: ProveAptStep,
  pool: PoolCheck,
  before: PathSet,
): Promise<NamedRelease[]> {
  const { dst } = turn.session.job;
  const releases: NamedRelease[] = [];
  for (const distribution of distributionsIn(step)) {
    const { name } = distribution;
    const at = join(step.held, 'dists', name);
    const release = await signedRelease(turn, step, name);
    await completeIndex(turn, step, distribution, release);
    checkIndex(at, release);
    const old = oldRelease(join(dst, 'dists', name));
    for (const index of indexFiles(release).values()) {
      if (index.kind !== 'packages') continue;
      const isChanged = old !== null && !isSameIndex(index, release, old);
      if (isChanged) await readInto(before, join(dst, 'dists', name), index);
      const file = readableOf(at, index);
      if (file === null) continue;
      await visitIndex(openToRead(join(at, file)), file, (path, expected, plain) =>
        pool.check(path, expected, plain, isChanged),
      );
    }
    linkByHash(at, release);
    releases.push({ name, release });
  }
  return releases;
}

/** The distributions of the job; by the directories that the tool made, where it chooses their names. */
function distributionsIn(step: ProveAptStep): readonly AptDistribution[] {
  if (!step.by_codename) return step.distributions;
  const [first] = step.distributions;
  const found = releaseDirectories(join(step.held, 'dists'), '');
  if (first === undefined || found.length < step.distributions.length) {
    throw new Wrong('config', 'a distribution has no Release file');
  }
  return found.map((name) => ({ ...first, name }));
}

/** Directories below `dists` with a Release file, none of them below another. */
function releaseDirectories(dists: string, path: string): string[] {
  const entries = unlessGone(() => readdirSync(join(dists, path), { withFileTypes: true })) ?? [];
  if (path !== '' && entries.some((entry) => /^(In)?Release$/.test(entry.name))) return [path];
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => releaseDirectories(dists, path === '' ? entry.name : `${path}/${entry.name}`));
}

/** A distribution's Release file, of which it is known that it is the one that was signed. */
async function signedRelease(turn: Turn, step: ProveAptStep, name: string): Promise<Release> {
  const release = parseRelease(await signedText(turn, step, name));
  if (release === null) {
    const message = `${name}: its Release file has only MD5 and SHA-1 digests, which no client of apt accepts`;
    throw new Wrong('config', message);
  }
  return release;
}

async function signedText(turn: Turn, step: ProveAptStep, name: string): Promise<string> {
  const at = join(step.held, 'dists', name);
  const text = (file: string): string | null => smallText(join(at, file));
  const [inline, release] = [text('InRelease'), text('Release')];
  const clear = inline === null ? release : clearText(inline);
  if (clear === null) throw new Wrong('config', `${name} has no Release file`);
  if (release !== null && !isSameText(release, clear)) {
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
  return inline === null ? clear : (smallText(output) ?? '');
}

function smallText(path: string): string | null {
  return readSmallText(path, { limitBytes: RELEASE_LIMIT_BYTES });
}

/** The Release file that readers have now; null: there is none, or it is not to be used. */
function oldRelease(at: string): Release | null {
  try {
    const text = smallText(join(at, 'InRelease')) ?? smallText(join(at, 'Release'));
    return text === null ? null : parseRelease(clearText(text));
  } catch (error) {
    if (error instanceof UnfitFile) return null;
    throw error;
  }
}

/** Every file that a client asks for is there in one compression, fetched now if the tool has left it out. */
async function completeIndex(
  turn: Turn,
  step: ProveAptStep,
  distribution: AptDistribution,
  release: Release,
): Promise<void> {
  const at = join(step.held, 'dists', distribution.name);
  const wanted = isWanted(distribution, step.left_out, release);
  const files = indexFiles(release);
  if (!step.by_codename) requireOffered(distribution, files);
  for (const index of files.values()) {
    if (!wanted(index.base) || index.names.some((name) => lstatIfThere(join(at, name)))) continue;
    if (step.left_out.names && index.kind === 'other') continue;
    if (step.tool === 'debmirror' && isSkipped(distribution.name, index.base)) continue;
    await refetchIndex(turn, step, distribution.name, index);
  }
}

/** What debmirror (2.37: di_skip_dist, do_contents_for_each_dist_arch_sect) leaves out of some distributions by their names. */
function isSkipped(distribution: string, base: string): boolean {
  if (base.includes('debian-installer/')) return /^(woody|experimental)$|-updates/.test(distribution);
  return /(^|\/)Contents-/.test(base) && /\bexperimental\b|-proposed-updates\b/.test(distribution);
}

/** What the config asks for by name has to be in the Release file. */
function requireOffered(
  { name, components, arches }: AptDistribution,
  files: ReadonlyMap<string, IndexFile>,
): void {
  for (const component of components) {
    for (const arch of arches) {
      const base = `${component}/${arch === 'source' ? 'source/Sources' : `binary-${arch}/Packages`}`;
      if (!files.has(base)) throw new Wrong('config', `${name} has no ${base}`);
    }
  }
}

/** Every file of the index is what the Release file says; what it does not name is not published. */
function checkIndex(at: string, release: Release): void {
  for (const file of filesBelow(at, '')) {
    if (RELEASE_FILES.includes(file)) continue;
    const known = release.files.get(file);
    if (known === undefined) unlinkSync(join(at, file));
    else if (lstatSync(join(at, file)).size !== known.size || !hasDigest(join(at, file), known)) {
      throw new Wrong('transfer', `${file} is not what the Release file says`);
    }
  }
}

function isSameIndex(index: IndexFile, release: Release, old: Release): boolean {
  return index.names.some((name) => {
    const [a, b] = [release.files.get(name), old.files.get(name)];
    return a !== undefined && a.digest === b?.digest;
  });
}

/** Adds the files that an index of before names. One that cannot be read names none: its files are read again. */
async function readInto(set: PathSet, at: string, index: IndexFile): Promise<void> {
  const file = readableOf(at, index);
  if (file === null) return;
  try {
    await visitIndex(openToRead(join(at, file)), file, (path, expected) => set.add(entryOf(path, expected)));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

/** The name of an index in the compression that is read at the least cost; null: none of them is there. */
function readableOf(at: string, index: IndexFile): string | null {
  const names = READABLE.map((suffix) => index.base + suffix);
  return names.find((name) => lstatIfThere(join(at, name))?.isFile()) ?? null;
}
