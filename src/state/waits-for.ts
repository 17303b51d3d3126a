import { lstatSync } from 'node:fs';
import { readEntries } from '../boundary/directory-names.js';
import type { Layout } from '../job/layout.js';
import { readRecord } from './record-file.js';
import { idsInRealm, readRequest } from './store.js';

/** `waiting/<id>.json`: a run that waits for a slot, for those that wait with it and for `mirror status`. */
export interface Waiting {
  /** Which kind of slot it waits for: `site` or `upstream-HOST`. */
  readonly for: string;
  readonly since: number;
  readonly last_success: number | null;
}

/** What a waiting run waits for, in words; the executor leaves a note as long as it waits. */
export function waitsFor(layout: Layout, id: string): string {
  const slot = readWaiting(layout, id)?.for;
  if (slot === undefined) {
    const isPush = readRequest(layout, id)?.not_before !== undefined;
    return isPush ? 'pushed soon after the last push' : 'waiting for its moment after boot';
  }
  if (slot.startsWith('upstream-'))
    return `waiting for a slot of ${slot.slice('upstream-'.length)} (limits.per_upstream)`;
  return 'waiting for a slot of this site (limits.concurrent)';
}

/** Returns the notes of all packages that wait, whatever realm they are in, with the age of each in milliseconds. */
export function listWaiting(layout: Layout, now: number): (Waiting & { id: string; ageMs: number })[] {
  const users = readdirIfThere(`${layout.state}/users`).map((user) => `${layout.state}/users/${user}`);
  return [layout.state, ...users].flatMap((realm) =>
    idsInRealm(realm, 'waiting').flatMap((id) => {
      const path = `${realm}/waiting/${id}.json`;
      const note = readNote(path);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      return note === null || stat === undefined ? [] : [{ ...note, id, ageMs: now - stat.mtimeMs }];
    }),
  );
}

/** The package's note, or null when it does not wait, or the note cannot be understood. */
export function readWaiting(layout: Layout, id: string): Waiting | null {
  return readNote(layout.waitingFile(id));
}

function readNote(path: string): Waiting | null {
  try {
    const waiting = readRecord(path).value as Waiting | null;
    return typeof waiting?.for === 'string' ? waiting : null;
  } catch {
    return null;
  }
}

function readdirIfThere(path: string): string[] {
  try {
    return readEntries(path)?.map(({ name }) => name) ?? [];
  } catch {
    return [];
  }
}
