import { lstatSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { readEntries } from '../boundary/directory-names.js';
import type { Layout } from '../job/layout.js';
import { RECORD_LIMIT_BYTES } from './record-file.js';

/** Key of what lies in the place of a file that belongs to no one package. */
export const SITE = '';

interface Place {
  /** Names of the files that belong to a package, whose id is the group. */
  readonly file: RegExp;
  /** Whether a size tells that a file is not ours; a state's is seen when it is read, and only a history's end is. */
  readonly sized: boolean;
}

const RECORDS: Place = { file: /^([^.].*)\.json$/, sized: true };

/** Directories of the state that hold small files. */
const PLACES: Readonly<Record<string, Place>> = {
  state: { ...RECORDS, sized: false },
  baseline: RECORDS,
  hold: RECORDS,
  request: RECORDS,
  stop: RECORDS,
  waiting: RECORDS,
  incident: RECORDS,
  history: { file: /^([^.].*)\.jsonl$/, sized: false },
  locks: { file: /^(?:run-(.+)|publish|notices|daemon)$/, sized: false },
  slots: { file: /^[^.]/, sized: false },
};

/**
 * Finds what lies in the state directory in the place of a small regular file of ours, by package (`SITE` for what all
 * share): each with its path and what is wrong. Opens nothing: the kinds come with each directory's listing.
 */
export function findOddFiles(layout: Layout): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const add = (id: string, words: string): void => void found.set(id, [...(found.get(id) ?? []), words]);
  const places = layout.realms.flatMap((realm) =>
    Object.entries(PLACES).map(([name, place]) => ({ directory: join(realm, name), place })),
  );
  for (const { directory, place } of places) {
    const entries = entriesOf(directory);
    if (typeof entries === 'string') add(SITE, `${directory} ${entries}`);
    else {
      for (const entry of entries) {
        const match = place.file.exec(entry.name);
        const problem = match && problemOf(directory, entry, place);
        if (problem !== null) add(match?.[1] ?? SITE, `${join(directory, entry.name)} ${problem}`);
      }
    }
  }
  return found;
}

/** A directory's entries, or what is wrong with it. What is missing, or closed to this user, is for others to say. */
function entriesOf(directory: string): readonly Dirent[] | string {
  try {
    if (!lstatSync(directory).isDirectory()) return 'is not a directory';
    return readEntries(directory) ?? 'has more names than mirror makes';
  } catch {
    return [];
  }
}

function problemOf(directory: string, entry: Dirent, { sized }: Place): string | null {
  if (entry.isDirectory()) return 'is a directory';
  if (entry.isSymbolicLink()) return 'is a link, which is not followed';
  if (!entry.isFile()) return 'is not a regular file';
  const size = sized ? lstatSync(join(directory, entry.name), { throwIfNoEntry: false })?.size : 0;
  return (size ?? 0) > RECORD_LIMIT_BYTES ? `is larger than ${String(RECORD_LIMIT_BYTES)} bytes` : null;
}
