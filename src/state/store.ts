import { readEntries } from '../boundary/directory-names.js';
import type { Layout } from '../job/layout.js';
import { isThere } from '../system/if-there.js';
import { emptyState, isHold, isPackageState, isRequest, isTime } from './package-state.js';
import type { Baseline, Hold, PackageState, Request, Stop } from './package-state.js';
import { asidePath, readRecord, removeRecord, writeRecord } from './record-file.js';
import { readSiteFile } from './site.js';

/** A package's state, and why it is an empty one though the package has run; null when nothing is wrong. */
export interface StateSeen {
  readonly state: PackageState;
  /** With the path, for people. */
  readonly unreadable: string | null;
}

/**
 * State of a package as its file has it, touching nothing: an empty one where there is none, or whatever lies there holds no
 * whole state. Callers that may write use `readState` of mend-state.ts.
 */
export function peekState(layout: Layout, id: string): PackageState {
  return lookAtState(layout, id).state;
}

/** Like `peekState`, with what is wrong: an unreadable state, or one that was moved aside and has no successor yet. */
export function lookAtState(layout: Layout, id: string): StateSeen {
  const path = layout.stateFile(id);
  const { state, broken } = parseState(path, id);
  if (state !== null) return { state, unreadable: null };
  const aside = asidePath(path);
  const moved = broken === null && isThere(aside) ? `its last state could not be read: ${aside}` : null;
  return { state: emptyState(id), unreadable: broken ?? moved };
}

/** Replaces a package's state, whole or not at all. Only for the holder of its run lock. Throws the system's error. */
export function writeState(layout: Layout, state: PackageState): void {
  writeRecord(layout.stateFile(state.id), state);
}

/** The hold in force at `now` (epoch ms), or null. A hold file that cannot be understood holds: somebody meant it to. */
export function readHold(layout: Layout, id: string, now: number): Hold | null {
  const { value, broken } = readRecord(layout.holdFile(id));
  if (value === null && broken === null) return null;
  const hold = value as Partial<Hold> | null;
  if (!isHold(hold)) return { since: 0, until: null, by: 'unknown', reason: 'unreadable hold file' };
  return hold.until !== null && hold.until <= now ? null : hold;
}

/** Holds a package from now on; replaces an earlier hold. */
export function writeHold(layout: Layout, id: string, hold: Hold): void {
  writeRecord(layout.holdFile(id), hold);
}

/** Ends a hold; false when there was none. */
export function clearHold(layout: Layout, id: string): boolean {
  return removeRecord(layout.holdFile(id));
}

/** Epoch ms before which no slot counts, written by apply; null when apply never said. */
export function readBaseline(layout: Layout, id: string): number | null {
  const baseline = readRecord(layout.baselineFile(id)).value as Baseline | null;
  return isTime(baseline?.at) ? baseline.at : null;
}

/** The empty dst that apply lets runs fill, and the last success then (epoch ms; not there: not said), or null. */
export function readFreshDst(
  layout: Layout,
  id: string,
): { path: string; after: number | null | undefined } | null {
  const baseline = readRecord(layout.baselineFile(id)).value as Baseline | null;
  return baseline?.fresh_dst === undefined ? null : { path: baseline.fresh_dst, after: baseline.fresh_after };
}

/** The pending request, left where it is. */
export function readRequest(layout: Layout, id: string): Request | null {
  const { value, broken } = readRecord(layout.requestFile(id));
  if (value === null && broken === null) return null;
  const request = value as Partial<Request> | null;
  // Somebody asked, whatever the file says.
  return isRequest(request) ? request : { at: 0, by: 'unknown', allow_deletes: null };
}

/** Consumes the pending request: whatever was asked before this moment is served by the run that begins now. */
export function takeRequest(layout: Layout, id: string): Request | null {
  const request = readRequest(layout, id);
  return request !== null && removeRecord(layout.requestFile(id)) ? request : null;
}

/** Asks for a run. One run serves all that ask before it begins, and takes nothing back that an earlier one said. */
export function writeRequest(layout: Layout, id: string, request: Request): void {
  const pending = readRequest(layout, id);
  const all = pending === null ? request : merged(pending, request);
  writeRecord(layout.requestFile(id), all);
}

/** The newer request with an older one's allowance to delete, its words, and the earlier of their times. */
function merged(older: Request, newer: Request): Request {
  const words = [...new Set([...(older.words ?? []), ...(newer.words ?? [])])].slice(0, MAX_WORDS);
  const times = [older.not_before, newer.not_before].filter((time) => time !== undefined);
  return {
    at: newer.at,
    by: newer.by,
    allow_deletes: newer.allow_deletes ?? older.allow_deletes,
    ...(older.push === true && newer.push === true && { push: true }),
    ...(times.length === 2 && { not_before: Math.min(...times) }),
    ...(words.length > 0 && { words }),
  };
}

/** Words that a request keeps. */
export const MAX_WORDS = 16;

/** Who asked the current run to stop, or null: then a SIGTERM is a shutdown. */
export function readStop(layout: Layout, id: string): Stop | null {
  const { value, broken } = readRecord(layout.stopFile(id));
  if (value === null && broken === null) return null;
  const stop = value as Partial<Stop> | null;
  return { at: isTime(stop?.at) ? stop.at : 0, by: typeof stop?.by === 'string' ? stop.by : 'unknown' };
}

/** Says that the signal that follows is `mirror stop`. */
export function writeStop(layout: Layout, id: string, stop: Stop): void {
  writeRecord(layout.stopFile(id), stop);
}

/** Forgets a stop: at the start of a run, and when it was obeyed. */
export function clearStop(layout: Layout, id: string): void {
  removeRecord(layout.stopFile(id));
}

/**
 * Returns the ids that have a file in one of the directories of `STATE_DIRECTORIES`, sorted. A file of a package in another
 * realm than its own was put there by a tool, and does not count; neither does a directory that is missing. Where a tool has
 * filled a directory with names, the ids are those of the site's packages that are there.
 */
export function idsIn(
  layout: Layout,
  directory: 'state' | 'hold' | 'request' | 'stop' | 'incident',
): string[] {
  return layout.realms
    .flatMap((realm) => {
      const path = `${realm}/${directory}`;
      const ids = idsAmong(path) ?? knownIds(layout).filter((id) => isThere(`${path}/${id}.json`));
      return ids.filter((id) => layout.realm(id) === realm);
    })
    .sort();
}

/** Returns the ids that have a file in a directory of one realm; none when it is missing, or has more names than ids. */
export function idsInRealm(realm: string, directory: string): string[] {
  return idsAmong(`${realm}/${directory}`) ?? [];
}

/** Where a warning goes; the executor passes its own console. */
export type Warn = (message: string) => void;

/** A warning for whoever started us. */
export function warnOnStderr(message: string): void {
  process.stderr.write(`mirror: ${message}\n`);
}

/** The whole state that a file holds, or why it holds none; both null: there is no such file. */
export function parseState(path: string, id: string): { state: PackageState | null; broken: string | null } {
  const { value, broken } = readRecord(path);
  if (value === null) return { state: null, broken };
  // Fields that a newer minor version added are filled in: state outlives upgrades.
  const state = { ...emptyState(id), ...value };
  return isPackageState(state, id)
    ? { state, broken }
    : { state: null, broken: `${path} holds no state of ${id}` };
}

function knownIds(layout: Layout): string[] {
  return readSiteFile(layout)?.packages.map(({ id }) => id) ?? [];
}

/** Null when there are too many names. */
function idsAmong(directory: string): string[] | null {
  try {
    const entries = readEntries(directory);
    // No id starts with a dot; temporary files of an atomic write do.
    const names = entries?.map(({ name }) => name).filter((name) => /^[^.].*\.json$/.test(name));
    return names?.map((name) => name.slice(0, -'.json'.length)) ?? null;
  } catch (error) {
    // A directory that is closed to this user has no files for it.
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return [];
  }
}
