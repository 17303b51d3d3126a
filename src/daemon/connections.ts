import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Seat } from '../control/connection.js';
import type { Layout } from '../job/layout.js';
import type { SiteFile } from '../job/site-file.js';
import { findGroup, findUser } from '../system/users.js';
import type { Child } from './children.js';

/** Connections at a time: each is a process. */
export const MAX_CONNECTIONS = 16;

/** Starts the process that serves a connection; the seat is kept by what it says of itself. */
export type Serve = (connection: Socket, seat: Seat) => Child;

/**
 * Listens on the control socket that systemd listens on elsewhere, with the same access, and like it starts a process for
 * each connection, as the site's user: what strangers send is never read here, and a connection that hangs is nothing but
 * one process. When `MAX_CONNECTIONS` are taken, a newcomer gets the place of the connection that has been silent for
 * longest, one that has asked nothing before one that has; only when all of them wait for answers is the newcomer dropped.
 * The caller holds the daemon lock, so a socket that is there was left by a dead daemon. Returns how to stop. Throws the
 * system's error.
 */
export async function acceptConnections(layout: Layout, site: SiteFile, serve: Serve): Promise<() => void> {
  const path = layout.controlSocket;
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  rmSync(path, { force: true });
  const seats = new Map<Child, Seat>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    if (seats.size < MAX_CONNECTIONS || freeSeat(seats)) {
      const seat: Seat = { requests: 0, silentSince: performance.now() };
      const child = serve(socket, seat);
      seats.set(child, seat);
      void child.ended.then(() => seats.delete(child));
    }
    // The child has a descriptor of its own.
    socket.destroy();
  });
  const listening = new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.once('listening', done);
  });
  // Node binds at once: the umask is back before anything else is started.
  const umask = process.umask(0o177);
  server.listen(path);
  process.umask(umask);
  await listening;
  own(path, site);
  return () => {
    server.close();
    for (const child of seats.keys()) child.signal('SIGTERM');
  };
}

/** Keeps a seat by an order of its process: `busy` while it serves a request, else `silent`. False for any other order. */
export function keepSeat(seat: Seat, order: string): boolean {
  if (order === 'busy') {
    seat.requests += 1;
    seat.silentSince = null;
  } else if (order === 'silent') {
    seat.silentSince = performance.now();
  } else return false;
  return true;
}

/** Ends the connection that can be spared most; false when there is none. */
function freeSeat(seats: Map<Child, Seat>): boolean {
  const silent = [...seats].filter(([, { silentSince }]) => silentSince !== null);
  const since = ({ silentSince }: Seat): number => silentSince ?? Infinity;
  const [spared] = silent.sort(
    ([, a], [, b]) => Number(a.requests > 0) - Number(b.requests > 0) || since(a) - since(b),
  );
  if (spared === undefined) return false;
  seats.delete(spared[0]);
  spared[0].signal('SIGKILL');
  return true;
}

/** Owner first: whoever it is given to gets its mode with it. */
function own(path: string, { socket }: SiteFile): void {
  if (!socket) return;
  if (process.getuid?.() === 0) {
    const uid = findUser(socket.uid)?.uid ?? 0;
    chownSync(path, uid, findGroup(socket.gid) ?? 0);
  }
  chmodSync(path, parseInt(socket.mode, 8));
}
