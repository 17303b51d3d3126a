import { moveAway } from '../job/move-away.js';
import { shellWord } from '../job/shell.js';

/**
 * Commands for a person who is root. Root would follow what another user puts at a path while the command runs, just as this
 * program would. A command therefore changes a path with root's rights only if root alone can change what the path leads to.
 */

/** What a person is to change. */
export interface Place {
  readonly path: string;
  /** Whether root alone can change what the path leads to. */
  readonly isSteady: boolean;
  /** The user and the group that it belongs to now. */
  readonly uid: number;
  readonly gid: number;
}

/** Returns the command that gives a place to `user:group`, or to a user; the place is moved away if that is not safe. */
export function giveTo({ path, isSteady }: Place, account: string): string {
  return isSteady ? `chown -h ${shellWord(account)} -- ${shellWord(path)}` : makeAgain(path);
}

/**
 * Returns the command that gives directories, and all that their owners have in them, to `user:group`. What belongs to others
 * keeps its owner, whatever lies there meanwhile; what is root's is moved away if that is not safe.
 */
export function giveTreesTo(places: readonly Omit<Place, 'gid'>[], account: string): string {
  const isSafe = ({ isSteady, uid }: Omit<Place, 'gid'>): boolean => isSteady || uid !== 0;
  const safe = places.filter(isSafe);
  const pathsOf = (owner: number): string =>
    safe.flatMap(({ path, uid }) => (uid === owner ? [shellWord(path)] : [])).join(' ');
  const owners = [...new Set(safe.map(({ uid }) => uid))];
  return [
    ...owners.map((uid) => `chown -hR --from=${String(uid)} ${shellWord(account)} -- ${pathsOf(uid)}`),
    ...places.filter((place) => !isSafe(place)).map(({ path }) => makeAgain(path)),
  ].join(' && ');
}

/** Returns the command that sets a mode, as the owner if it is not safe for root. */
export function setMode(place: Place, mode: string): string {
  const change = `chmod ${mode} -- ${shellWord(place.path)}`;
  if (place.isSteady) return change;
  return place.uid === 0 ? makeAgain(place.path) : asOwner(place.uid, place.gid, change);
}

/** Returns the command that opens a directory to a group and has it hand that group on, as the owner if it is not safe for root. */
export function openToGroup({ path, isSteady, uid }: Place, group: string | number): string {
  const [directory, name] = [shellWord(path), shellWord(String(group))];
  const change = `chgrp -h ${name} -- ${directory} && chmod g+rwxs -- ${directory}`;
  if (isSteady) return change;
  return uid === 0 ? makeAgain(path) : asOwner(uid, group, `sh -c ${shellWord(change)}`);
}

/** Returns the words with which root has a command done as the user whom a place belongs to. */
export function asOwner(uid: number, group: string | number, command: string): string {
  return `setpriv --reuid=${String(uid)} --regid=${shellWord(String(group))} --clear-groups -- ${command}`;
}

function makeAgain(path: string): string {
  return `${moveAway(path)} && mirror setup`;
}
