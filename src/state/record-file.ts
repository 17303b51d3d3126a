import { renameSync } from 'node:fs';
import { readSmallText, UnfitFile } from '../boundary/small-file.js';
import { writeFileAtomic } from '../system/atomic.js';
import { isDirectoryThere, removeIfThere } from '../system/if-there.js';

/** A record has some kilobytes: what its longest strings (a reason, a push's words) may have, many times over. */
export const RECORD_LIMIT_BYTES = 1 << 20;

/** Group-writable: packages that run as different users share one group, and any of them may publish or repair. */
const SHARED = 0o664;

/** What lies at a record's path: its value, or why it has none; both null when there is no file. */
export interface RecordFound {
  readonly value: object | null;
  /** With the path, for people. */
  readonly broken: string | null;
}

/** Reads a record, a small JSON object. Throws the system's error, for example when the user may not read it. */
export function readRecord(path: string): RecordFound {
  try {
    const text = readSmallText(path, { limitBytes: RECORD_LIMIT_BYTES });
    return text === null ? { value: null, broken: null } : parse(path, text);
  } catch (error) {
    if (error instanceof UnfitFile) return { value: null, broken: error.message };
    throw error;
  }
}

/**
 * Replaces a record, whole or not at all. A directory in its place, which no rename replaces, is moved aside. Throws the
 * system's error, and an error for a record that would be too large to be read.
 */
export function writeRecord(path: string, value: object): void {
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) > RECORD_LIMIT_BYTES) throw new Error(`${path} would be too large`);
  try {
    writeFileAtomic(path, text, SHARED);
  } catch (error) {
    if (!isDirectoryThere(path)) throw error;
    moveAside(path);
    writeFileAtomic(path, text, SHARED);
  }
}

/** Removes a record, or whatever lies in its place; false when there is nothing. Throws the system's error. */
export function removeRecord(path: string): boolean {
  try {
    return removeIfThere(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return false;
    if (!isDirectoryThere(path)) throw error;
    moveAside(path);
    return true;
  }
}

/** Where `moveAside` puts what lies at `path`. */
export function asidePath(path: string): string {
  return `${path}.corrupt`;
}

/**
 * Gives what lies at `path`, of any kind, the name `<path>.corrupt`, and returns its new name: one with the time behind it
 * where a directory is in the way. Throws the system's error.
 */
export function moveAside(path: string): string {
  const aside = asidePath(path);
  try {
    renameSync(path, aside);
    return aside;
  } catch (error) {
    if (!isDirectoryThere(path) && !isDirectoryThere(aside)) throw error;
  }
  const free = `${aside}.${String(Date.now())}`;
  renameSync(path, free);
  return free;
}

function parse(path: string, text: string): RecordFound {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value, broken: null };
  } catch {
    // Another program's file, or a broken disk's.
  }
  return { value: null, broken: `${path} does not hold a record of mirror` };
}
