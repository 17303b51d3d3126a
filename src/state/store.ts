import { readFileSync, readdirSync, renameSync } from 'node:fs';
import type { Layout } from '../job/layout.js';
import { writeFileAtomic } from '../system/atomic.js';
import { removeIfThere } from '../system/if-there.js';
import { emptyState, isHold, isPackageState, isRequest, isTime } from './package-state.js';
import type { Baseline, Hold, PackageState, Request, Stop } from './package-state.js';

/** Group-writable: packages that run as different users share one group, and any of them may publish or repair. */
const SHARED = 0o664;

/**
 * State of a package as its file has it; an empty one when there is none. A file that holds no whole state (another
 * program's, a broken disk's) is moved aside to `<file>.corrupt` with a warning: the package is UNKNOWN, nothing is lost
 * and the next run starts afresh. Callers that must not write use `peekState`.
 */
export function readState(layout: Layout, id: string, warn: Warn = warnOnStderr): PackageState {
  const found = parseState(layout.stateFile(id), id);
  if (found !== 'corrupt') return found ?? emptyState(id);
  const aside = `${layout.stateFile(id)}.corrupt`;
  try {
    renameSync(layout.stateFile(id), aside);
    const moved = parseState(aside, id);
    if (moved !== 'corrupt' && moved !== null) return putBack(layout, aside, moved);
    warn(`state of ${id} was unreadable and is now ${aside}; the package is unknown until its next run`);
  } catch (error) {
    warn(`state of ${id} is unreadable: ${(error as Error).message}`);
  }
  return emptyState(id);
}

/** Like `readState`, touching nothing: a corrupt file reads as an empty state. */
export function peekState(layout: Layout, id: string): PackageState {
  const found = parseState(layout.stateFile(id), id);
  return found === 'corrupt' || found === null ? emptyState(id) : found;
}

/** Replaces a package's state, whole or not at all. Only for the holder of its run lock. Throws the system's error. */
export function writeState(layout: Layout, state: PackageState): void {
  writeFileAtomic(layout.stateFile(state.id), JSON.stringify(state), SHARED);
}

/** The hold in force at `now` (epoch ms), or null. A hold file that cannot be understood holds: somebody meant it to. */
export function readHold(layout: Layout, id: string, now: number): Hold | null {
  const hold = readJson(layout.holdFile(id)) as Partial<Hold> | null | undefined;
  if (hold === undefined) return null;
  if (!isHold(hold)) return { since: 0, until: null, by: 'unknown', reason: 'unreadable hold file' };
  return hold.until !== null && hold.until <= now ? null : hold;
}

/** Holds a package from now on; replaces an earlier hold. */
export function writeHold(layout: Layout, id: string, hold: Hold): void {
  writeFileAtomic(layout.holdFile(id), JSON.stringify(hold), SHARED);
}

/** Ends a hold; false when there was none. */
export function clearHold(layout: Layout, id: string): boolean {
  return removeIfThere(layout.holdFile(id));
}

/** Epoch ms before which no slot counts, written by apply; null when apply never said. */
export function readBaseline(layout: Layout, id: string): number | null {
  const baseline = readJson(layout.baselineFile(id)) as Baseline | null | undefined;
  return isTime(baseline?.at) ? baseline.at : null;
}

/** The empty dst that apply lets runs fill, and the last success then (epoch ms; not there: not said), or null. */
export function readFreshDst(
  layout: Layout,
  id: string,
): { path: string; after: number | null | undefined } | null {
  const baseline = readJson(layout.baselineFile(id)) as Baseline | null | undefined;
  return baseline?.fresh_dst === undefined ? null : { path: baseline.fresh_dst, after: baseline.fresh_after };
}

/** The pending request, left where it is. */
export function readRequest(layout: Layout, id: string): Request | null {
  const request = readJson(layout.requestFile(id)) as Partial<Request> | null | undefined;
  if (request === undefined) return null;
  // Somebody asked, whatever the file says.
  return isRequest(request) ? request : { at: 0, by: 'unknown', allow_deletes: null };
}

/** Consumes the pending request: whatever was asked before this moment is served by the run that begins now. */
export function takeRequest(layout: Layout, id: string): Request | null {
  const request = readRequest(layout, id);
  return request !== null && removeIfThere(layout.requestFile(id)) ? request : null;
}

/** Asks for a run. One run serves all that ask before it begins, and takes nothing back that an earlier one said. */
export function writeRequest(layout: Layout, id: string, request: Request): void {
  const pending = readRequest(layout, id);
  const all = pending === null ? request : merged(pending, request);
  writeFileAtomic(layout.requestFile(id), JSON.stringify(all), SHARED);
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
  const stop = readJson(layout.stopFile(id)) as Partial<Stop> | null | undefined;
  if (stop === undefined) return null;
  return { at: isTime(stop?.at) ? stop.at : 0, by: typeof stop?.by === 'string' ? stop.by : 'unknown' };
}

/** Says that the signal that follows is `mirror stop`. */
export function writeStop(layout: Layout, id: string, stop: Stop): void {
  writeFileAtomic(layout.stopFile(id), JSON.stringify(stop), SHARED);
}

/** Forgets a stop: at the start of a run, and when it was obeyed. */
export function clearStop(layout: Layout, id: string): void {
  removeIfThere(layout.stopFile(id));
}

/**
 * Returns the ids that have a file in one of the directories of `STATE_DIRECTORIES`, sorted. A file of a package in another
 * realm than its own was put there by a tool, and does not count; neither does a directory that is missing.
 */
export function idsIn(
  layout: Layout,
  directory: 'state' | 'hold' | 'request' | 'stop' | 'incident',
): string[] {
  return layout.realms
    .flatMap((realm) => idsInRealm(realm, directory).filter((id) => layout.realm(id) === realm))
    .sort();
}

/** Returns the ids that have a file in a directory of one realm; none when it is missing. */
export function idsInRealm(realm: string, directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(`${realm}/${directory}`);
  } catch {
    return [];
  }
  // No id starts with a dot; temporary files of an atomic write do.
  return names
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .map((name) => name.slice(0, -5));
}

/** Where a warning goes; the executor passes its own console. */
export type Warn = (message: string) => void;

/** A warning for whoever started us. */
export function warnOnStderr(message: string): void {
  process.stderr.write(`mirror: ${message}\n`);
}

/** A run replaced the broken file between our look and our move: what we moved is good. */
function putBack(layout: Layout, aside: string, state: PackageState): PackageState {
  if (parseState(layout.stateFile(state.id), state.id) === null)
    renameSync(aside, layout.stateFile(state.id));
  return state;
}

function parseState(path: string, id: string): PackageState | 'corrupt' | null {
  const parsed = readJson(path);
  if (parsed === undefined) return null;
  if (parsed === null) return 'corrupt';
  // Fields that a newer minor version added are filled in: state outlives upgrades.
  const state = { ...emptyState(id), ...parsed };
  return isPackageState(state, id) ? state : 'corrupt';
}

/** undefined: there is no such file; null: there is one, and it holds no JSON object. */
function readJson(path: string): object | null | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EISDIR') return null;
    throw error;
  }
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
