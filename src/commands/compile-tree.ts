import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readSmallText, UnfitFile } from '../boundary/small-file.js';
import type { Artifact } from '../compile/artifact.js';
import { EXIT } from '../job/outcome.js';
import { writeFileAtomic } from '../system/atomic.js';

/** Names what we wrote below the directory, one path a line; the next compile replaces these and nothing else. */
const RECORD = '.mirror-compile';

/** Largest record that is read: a hundred thousand packages' is a tenth of it. */
const RECORD_LIMIT_BYTES = 128 * 1024 * 1024;

/** The tree cannot be written; `code` is the exit code. */
export class TreeError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** Paths relative to the directory. */
export interface TreeResult {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: number;
}

/**
 * Writes artifacts below `out` as they would lie below `/` (`root` is taken off their paths), secrets left out. Replaces
 * and removes only what an earlier call wrote; throws TreeError before any write when something else is in the way, or a
 * directory is a link: the tree is reviewed in a checkout, where a stranger's commit may have put one.
 */
export function writeTree(out: string, artifacts: readonly Artifact[], root: string): TreeResult {
  const wanted = new Map<string, Artifact>();
  for (const artifact of artifacts) {
    if (artifact.kind === 'file' && artifact.secret) continue;
    wanted.set(artifact.path.slice(root.length + 1), artifact);
  }
  refuseLinks(out, []);
  const ours = readRecord(out);
  refuseLinks(out, [...wanted.keys(), ...ours]);
  const foreign = [...wanted.keys()].filter((path) => !ours.has(path) && exists(join(out, path)));
  if (foreign.length > 0) {
    const more = foreign.length > 1 ? ` (and ${foreign.length - 1} more)` : '';
    throw new TreeError(
      EXIT.cantCreate,
      `${join(out, foreign[0] ?? '')}${more} is in the way: mirror did not write it`,
    );
  }
  const gone = [...ours].filter((path) => !wanted.has(path) && exists(join(out, path)));
  // Recorded first, so that a compile that was killed half way still knows its own.
  writeRecord(out, [...new Set([...ours, ...wanted.keys()])]);
  const written = [...wanted]
    .filter(([path, artifact]) => write(join(out, path), artifact))
    .map(([path]) => path);
  for (const path of gone) remove(out, path);
  writeRecord(out, [...wanted.keys()]);
  return { written, removed: gone, unchanged: wanted.size - written.length };
}

/** Throws TreeError when `out`, a directory between it and the working directory, or one on the way to a path is a link. */
function refuseLinks(out: string, paths: readonly string[]): void {
  const top = resolve(out);
  const directories = new Set<string>();
  const add = (from: string, end: string): void => {
    for (let at = from; at !== end && at !== dirname(at) && !directories.has(at); at = dirname(at))
      directories.add(at);
  };
  if (top.startsWith(`${process.cwd()}/`)) add(top, process.cwd());
  else directories.add(top);
  for (const path of paths) add(dirname(join(top, path)), top);
  for (const directory of directories)
    if (lstatSync(directory, { throwIfNoEntry: false })?.isSymbolicLink())
      throw new TreeError(
        EXIT.cantCreate,
        `${directory} is a link, which may lead out of the tree: remove it`,
      );
}

/** Writes one artifact unless it is there already; whether it wrote. */
function write(path: string, artifact: Artifact): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (artifact.kind === 'link') {
    if (stat?.isSymbolicLink() && readlinkSync(path) === artifact.target) return false;
    if (stat) unlinkSync(path);
    makeDirectories(dirname(path));
    symlinkSync(artifact.target, path);
    return true;
  }
  if (stat?.isFile() && readFileSync(path, 'utf8') === artifact.content) return false;
  if (stat && !stat.isFile()) unlinkSync(path);
  makeDirectories(dirname(path));
  writeFileSync(path, artifact.content, { mode: artifact.mode });
  return true;
}

function remove(out: string, path: string): void {
  unlinkSync(join(out, path));
  for (let directory = dirname(path); directory !== '.'; directory = dirname(directory)) {
    try {
      rmdirSync(join(out, directory));
    } catch {
      return; // Not empty: something still belongs there.
    }
  }
}

function readRecord(out: string): Set<string> {
  let text: string | null;
  try {
    text = readSmallText(join(out, RECORD), { limitBytes: RECORD_LIMIT_BYTES });
  } catch (error) {
    if (error instanceof UnfitFile) throw new TreeError(EXIT.noInput, `${error.message}: remove it`);
    throw new TreeError(EXIT.noInput, `${join(out, RECORD)}: ${(error as Error).message}`);
  }
  if (text === null) return new Set();
  const paths = text.split('\n').filter((line) => line !== '');
  const outside = paths.find((path) => path.startsWith('/') || path.split('/').includes('..'));
  if (outside === undefined) return new Set(paths);
  throw new TreeError(EXIT.config, `${join(out, RECORD)} names a path outside the tree: ${outside}`);
}

function writeRecord(out: string, paths: readonly string[]): void {
  const content = `${[...paths].sort().join('\n')}\n`;
  const path = join(out, RECORD);
  try {
    makeDirectories(out);
    if (!exists(path) || readFileSync(path, 'utf8') !== content) writeFileAtomic(path, content, 0o644);
  } catch (error) {
    throw new TreeError(EXIT.cantCreate, (error as Error).message);
  }
}

/** With its parents. Node's own `recursive` never returns where a file system makes no directories (/proc). */
function makeDirectories(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeDirectories(dirname(path));
  mkdirSync(path);
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
