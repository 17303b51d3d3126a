import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import type { BigIntStats, Stats } from 'node:fs';
import { dirname } from 'node:path';
import { isRoot } from './as-user.js';
import { O_PATH } from './regular-file.js';

/** A handle to walk on from. */
const STEP = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** As many links as the kernel follows in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/** What lies on the way, or at its end, is nothing that root touches. Like an error of the system, and shown like one. */
export class UnfitPlace extends Error {
  readonly code = 'EUNFIT';
  readonly syscall = 'open';

  constructor(
    readonly path: string,
    reason: string,
  ) {
    super(`${path} ${reason}`);
  }
}

/** A link on the way that another user may have made. */
export class RefusedLink extends UnfitPlace {
  constructor(
    path: string,
    readonly uid: number,
  ) {
    super(path, `is a link of uid ${String(uid)}, which is not followed`);
  }
}

/**
 * Links that a walk follows in a directory that other users can write: none, or those of root. Only a look at a place may
 * follow root's: other users can rename such a link, and so choose among the places that root linked.
 */
export type FollowedLinks = 'none' | "root's";

/** Where a walk ended. */
export interface Reached {
  /** Leads to the place for as long as the walk's `use` lasts, through an open handle of its directory. */
  readonly held: string;
  /** Whether only root can change what the path's directories lead to. */
  readonly isSteady: boolean;
}

/**
 * Calls `use` with the name at the end of `path`, whose last link is not followed, in an open handle of its directory.
 *
 * This is how root touches what lies in directories of other users. Between a check and a change they could put a link to
 * elsewhere in the place of any directory, but they cannot move a handle. The walk begins at `/`. In directories that only
 * root can change, it follows links; from the first one that another user can write on, it refuses them at every level. A
 * process without root's rights takes the path as it is: its own rights are its limit. Throws RefusedLink, or the system's
 * error with the path as it was given.
 */
export function walkToName<T>(path: string, use: (reached: Reached) => T, links: FollowedLinks = 'none'): T {
  if (!isRoot()) return use({ held: path, isSteady: true });
  // A plan reads tens of thousands of files in a few directories of root's.
  if (isSteady(dirname(path))) return use({ held: path, isSteady: true });
  return walk(path, links, false, use);
}

/** The same for what `path` leads to, its last link followed as those before it. Throws ENOENT if nothing is there. */
export function walkToTarget<T>(
  path: string,
  use: (reached: Reached) => T,
  links: FollowedLinks = 'none',
): T {
  if (isRoot()) {
    const isPlain = isSteady(dirname(path)) && !lstatSync(path).isSymbolicLink();
    return isPlain ? use({ held: path, isSteady: true }) : walk(path, links, true, use);
  }
  return use({ held: realpathSync.native(path), isSteady: true });
}

/**
 * Returns `path` with every link on the way followed, as a walk follows them. Other users may have changed it since. Throws
 * RefusedLink, or ENOENT if nothing is there.
 */
export function findRealPath(path: string, links: FollowedLinks = 'none'): string {
  if (!isRoot()) return realpathSync.native(path);
  return walk(path, links, true, ({ held, real }) => (lstatSync(held), real));
}

/** Forgets which directories only root can change; for callers that have changed an owner or a mode. */
export function forgetSteadiness(): void {
  steadiness.clear();
}

const steadiness = new Map<string, boolean>();

function isSteady(directory: string): boolean {
  const known = steadiness.get(directory);
  if (known !== undefined) return known;
  // One look is enough to find that nothing is there, as at a first apply's thousands of paths: it throws.
  const above = dirname(directory);
  if (above !== directory && isSteady(above)) lstatSync(directory);
  const found = walk(`${directory}/.`, "root's", false, (reached) => reached.isSteady);
  steadiness.set(directory, found);
  return found;
}

/** An open directory on the way. */
interface Place {
  readonly fd: number;
  readonly path: string;
  /** Who can change the names in it: root alone; everyone their own (a directory like /tmp); or others. */
  readonly openness: 'root only' | 'sticky' | 'open';
}

function walk<T>(
  path: string,
  links: FollowedLinks,
  followLast: boolean,
  use: (reached: Reached & { readonly real: string }) => T,
): T {
  const places: Place[] = [enter(null, '/')];
  let [names, followed, steady] = [namesOf(path), 0, true];
  try {
    for (;;) {
      const here = places.at(-1) as Place;
      steady &&= here.openness !== 'open';
      const [name = '.', ...rest] = names;
      if (name === '..') {
        if (places.length > 1) closeSync((places.pop() as Place).fd);
        names = rest;
        continue;
      }
      const isLast = rest.length === 0;
      const target = isLast && !followLast ? null : linkAt(here, name, links);
      if (target !== null) {
        steady &&= here.openness === 'root only';
        if ((followed += 1) > MAX_LINKS) throw new UnfitPlace(path, 'leads through too many links');
        if (target.startsWith('/')) for (const { fd } of places.splice(1)) closeSync(fd);
        names = [...namesOf(target), ...rest];
      } else if (isLast) {
        const isSteady = steady && here.openness === 'root only';
        return named(here, () => use({ held: inside(here, name), real: join(here, name), isSteady }));
      } else {
        places.push(named(here, () => enter(here, name)));
        names = rest;
      }
    }
  } finally {
    for (const { fd } of places) closeSync(fd);
  }
}

function enter(parent: Place | null, name: string): Place {
  const fd = openSync(parent === null ? name : inside(parent, name), STEP);
  const openness = opennessOf(fstatSync(fd), parent);
  return { fd, path: parent === null ? '' : join(parent, name), openness };
}

/**
 * Below a directory that others can write nothing is root's alone. In one like /tmp, a directory of root's can neither be
 * moved there nor moved away by others.
 */
function opennessOf({ uid, gid, mode }: Stats, parent: Place | null): Place['openness'] {
  if (parent?.openness === 'open' || uid !== 0) return 'open';
  const isWritable = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0);
  if (!isWritable) return 'root only';
  return (mode & 0o1000) !== 0 ? 'sticky' : 'open';
}

/** Where the link of this name leads; null if it is not a link. Throws RefusedLink for one that is not followed. */
function linkAt(here: Place, name: string, links: FollowedLinks): string | null {
  const at = inside(here, name);
  const look = (): BigIntStats | undefined => lstatSync(at, { throwIfNoEntry: false, bigint: true });
  const before = named(here, look);
  if (!before?.isSymbolicLink()) return null;
  const isAllowed = here.openness === 'root only' || (links === "root's" && before.uid === 0n);
  const target = isAllowed ? named(here, () => readlinkSync(at)) : null;
  const after = look();
  // In a directory of others, the link that was looked at and the one that was read could be two.
  if (target === null || after?.ino !== before.ino || after.ctimeNs !== before.ctimeNs)
    throw new RefusedLink(join(here, name), Number(before.uid));
  return target;
}

function inside({ fd }: Place, name: string): string {
  return `/proc/self/fd/${String(fd)}/${name}`;
}

function join({ path }: Place, name: string): string {
  return name === '.' ? path || '/' : `${path}/${name}`;
}

/** A dot at the end stays: before it, the directory itself is opened. */
function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  return path.endsWith('/.') ? [...names, '.'] : names;
}

/** Errors name the path and not the handle. */
function named<T>(here: Place, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const handle = `/proc/self/fd/${String(here.fd)}`;
    const rename = (text: string): string => text.replaceAll(`${handle}/`, `${here.path}/`);
    const { path } = error as NodeJS.ErrnoException;
    if (error instanceof Error) error.message = rename(error.message);
    if (error instanceof Error && path !== undefined) Object.assign(error, { path: rename(path) });
    throw error;
  }
}
