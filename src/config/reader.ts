import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readSmallFile, UnfitFile } from '../boundary/small-file.js';
import { isWild, matchesSegment } from './glob.js';

/** A config is refused above this: no site's is a tenth of it, and it would stall the parser. */
export const MAX_BYTES = 32 * 1024 * 1024;

/** Where config files are read from: the disk, or a git revision. */
export interface ConfigReader {
  /** Content of a file. Throws ConfigFileError. */
  read(path: string): Uint8Array;
  /** Existing paths that match an absolute pattern (see `matchesGlob`), sorted. */
  glob(pattern: string): string[];
  /** The path of what lies at a path, all links followed; null when nothing does. */
  realPath(path: string): string | null;
}

/** A config file that cannot be used at all: 66 when it cannot be read, 78 when it is no config. */
export class ConfigFileError extends Error {
  constructor(
    readonly code: 66 | 78,
    readonly path: string,
    /** What is wrong, without the path. */
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`);
  }
}

/** Reads from the disk. Follows links, because an operator names these files; waits for no FIFO. */
export function diskReader(): ConfigReader {
  const directories = new Map<string, string | null>();
  const realPath = (path: string): string | null => {
    // Included files are many, and the directories that they lie in are few.
    const parent = dirname(path);
    let directory = directories.get(parent);
    if (directory === undefined) directories.set(parent, (directory = resolveLinks(parent)));
    if (directory === null || parent === path) return directory;
    return isLink(path) ? resolveLinks(path) : join(directory, basename(path));
  };
  return { read, glob, realPath };
}

/** Also true when nothing can be found at the path, which is then what resolving it says. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return true;
  }
}

function resolveLinks(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}

function read(path: string): Uint8Array {
  try {
    const bytes = readSmallFile(path, { limitBytes: MAX_BYTES, followLink: true });
    if (bytes !== null) return bytes;
  } catch (error) {
    if (error instanceof UnfitFile)
      throw error.unfit === 'too large'
        ? tooLarge(path, statSync(path).size)
        : new ConfigFileError(66, path, error.reason);
    throw new ConfigFileError(66, path, reason(error));
  }
  throw new ConfigFileError(66, path, 'no such file');
}

/** The error for a file over the limit; `size` in bytes. */
export function tooLarge(path: string, size: number): ConfigFileError {
  const mebibytes = Math.ceil(size / 1024 / 1024);
  return new ConfigFileError(
    78,
    path,
    `has ${mebibytes} MiB, more than the ${MAX_BYTES / 1024 / 1024} MiB allowed`,
  );
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known: Record<string, string> = {
    ENOENT: 'no such file',
    ENOTDIR: 'no such file',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ELOOP: 'too many symbolic links',
    ENAMETOOLONG: 'the name is too long',
  };
  return known[code] ?? `cannot be read (${code === '' ? String(error) : code})`;
}

function glob(pattern: string): string[] {
  let directories = ['/'];
  const segments = pattern.split('/').filter((segment) => segment !== '');
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    directories = directories.flatMap((directory) =>
      entries(directory, segment)
        .map((name) => join(directory, name))
        .filter((path) => last || isDirectory(path)),
    );
  });
  return directories.sort();
}

function entries(directory: string, segment: string): string[] {
  if (!isWild(segment)) return statSync(join(directory, segment), { throwIfNoEntry: false }) ? [segment] : [];
  try {
    return readdirSync(directory).filter((name) => matchesSegment(segment, name));
  } catch (error) {
    throw new ConfigFileError(66, directory, reason(error));
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
