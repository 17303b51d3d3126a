import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Connections that one user may have at a time on a socket of systemd's; its socket unit has the same number. */
export const MAX_PER_USER = 16;

/** A connection as the instance's name of its service tells of it. */
export interface Peer {
  /** Number of the connection; later ones have higher numbers. */
  readonly connection: number;
  readonly uid: string;
}

/**
 * Reads who connected from the instance's name: systemd makes it of the connection's number and the peer's pid and uid
 * (`5-1234-1000`), as the kernel knows them; newer versions put more in between. Null when the name is another.
 */
export function parsePeer(instance: string): Peer | null {
  const [, connection, uid] = /^(\d{1,15})-.*-(\d{1,10})$/.exec(instance) ?? [];
  return uid === undefined ? null : { connection: Number(connection), uid };
}

/**
 * Returns whether the peer's user has the full share of connections without this one. Before version 257 systemd's
 * MaxConnectionsPerSource= knows internet addresses only, so the siblings of this service are counted where systemd keeps
 * them: the directory of cgroups around ours. A system that shows none counts as empty.
 */
export function isCrowded(instance: string, limit = MAX_PER_USER): boolean {
  const peer = parsePeer(instance);
  if (peer === null) return false;
  const siblings = siblingUnits().flatMap((unit) => parsePeer(/@(.*)\.service$/.exec(unit)?.[1] ?? '') ?? []);
  const before = siblings.filter(({ uid, connection }) => uid === peer.uid && connection < peer.connection);
  return before.length >= limit;
}

/** Names of the services of our template that run now. */
function siblingUnits(): string[] {
  try {
    const cgroup = readFileSync('/proc/self/cgroup', 'utf8');
    const [, v2] = /^0::(.+)$/m.exec(cgroup) ?? [];
    const [, v1] = /^\d+:name=systemd:(.+)$/m.exec(cgroup) ?? [];
    const path = v1 === undefined ? `/sys/fs/cgroup${v2 ?? ''}` : `/sys/fs/cgroup/systemd${v1}`;
    const template = basename(path).replace(/@.*$/s, '@');
    return readdirSync(dirname(path)).filter((name) => name.startsWith(template));
  } catch {
    return [];
  }
}
