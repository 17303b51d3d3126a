import { createServer, type Server, type Socket } from 'node:net';
import { serveConnection, type Seat, type Served } from './connection.js';

/** Connections at a time of one server; systemd's socket unit has the same number. */
export const MAX_CONNECTIONS = 64;

/**
 * A server for programs that stay (`mirror daemon`, tests); on systemd the socket unit accepts and starts one process a
 * connection instead. The caller listens, on a path or an inherited descriptor, and sees to the socket's owner and mode.
 * When `MAX_CONNECTIONS` are taken, a newcomer gets the place of the connection that has been silent for longest, one that
 * has asked nothing before one that has; only when all of them wait for answers is the newcomer dropped. A client may end
 * its side and still read its answers.
 */
export function controlServer(served: Served): Server {
  const seats = new Map<Socket, Seat>();
  return createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket: Socket) => {
    if (seats.size >= MAX_CONNECTIONS && !freeSeat(seats)) {
      socket.destroy();
      return;
    }
    const seat: Seat = { requests: 0, silentSince: performance.now() };
    seats.set(socket, seat);
    void serveConnection(socket, served, seat).finally(() => seats.delete(socket));
  });
}

/** Ends the connection that can be spared most; false when there is none. */
function freeSeat(seats: Map<Socket, Seat>): boolean {
  const silent = [...seats].filter(([, { silentSince }]) => silentSince !== null);
  const since = ({ silentSince }: Seat): number => silentSince ?? Infinity;
  const [spared] = silent.sort(
    ([, a], [, b]) => Number(a.requests > 0) - Number(b.requests > 0) || since(a) - since(b),
  );
  if (spared === undefined) return false;
  seats.delete(spared[0]);
  spared[0].destroy();
  return true;
}
