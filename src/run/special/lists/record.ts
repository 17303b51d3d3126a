import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallText } from '../../../boundary/small-file.js';
import { writeFileAtomic } from '../../../system/atomic.js';

/** A line for each list. */
const RECORD_LIMIT_BYTES = 1 << 20;

const FORMAT = 'mirror/lists/1';

/** What a list says is there. */
export interface ListTotals {
  readonly files: number;
  readonly bytes: number;
  /** Some path may be on two lines. */
  readonly twice: boolean;
}

/**
 * Which lists in dst are ours: installed after everything that they name was there. Only such a list is believed to tell
 * what dst holds; a list that somebody else put there, or changed, has another inode change time.
 */
export interface ListRecord {
  readonly format: typeof FORMAT;
  /** The job's steps as a number: other options may want other files. */
  readonly of: number;
  /** Epoch ms of the last pass over everything listed. */
  readonly whole: number;
  readonly lists: Readonly<Record<string, { readonly identity: string; readonly totals: ListTotals }>>;
}

/** The record of lists in dst that are all still as they were installed, or null. */
export function readRecord(path: string, dst: string, of: number): ListRecord | null {
  try {
    const record = JSON.parse(readSmallText(path, { limitBytes: RECORD_LIMIT_BYTES }) ?? '') as ListRecord;
    if ((record.format as string) !== FORMAT || record.of !== of) return null;
    const intact = Object.entries(record.lists).every(
      ([file, { identity }]) => identityOf(join(dst, file)) === identity,
    );
    return intact ? record : null;
  } catch {
    return null;
  }
}

/** Remembers the lists that are in dst now. */
export function writeRecord(
  path: string,
  dst: string,
  of: number,
  whole: number,
  totals: Readonly<Record<string, ListTotals>>,
): void {
  const lists = Object.fromEntries(
    Object.entries(totals).map(([file, said]) => [
      file,
      { identity: identityOf(join(dst, file)), totals: said },
    ]),
  );
  const record: ListRecord = { format: FORMAT, of, whole, lists };
  writeFileAtomic(path, `${JSON.stringify(record)}\n`, 0o600);
}

/** Nobody can set a file's inode change time. */
function identityOf(path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
  return [ino, size, mtimeNs, ctimeNs].join(' ');
}
