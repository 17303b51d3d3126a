import { createServer, type Server, type Socket } from 'node:net';
import { serveConnection, type Served } from './connection.js';

/** Connections at a time of one server; systemd's socket unit has the same number. */
export const MAX_CONNECTIONS = 16;

/**
 * A server for programs that stay (`mirror daemon`, tests); on systemd the socket unit accepts and starts one process a
 * connection instead. The caller listens, on a path or an inherited descriptor, and sees to the socket's owner and mode.
 * Beyond `MAX_CONNECTIONS` a newcomer is dropped at once. A client may end its side and still read its answers.
 */
export function controlServer(served: Served): Server {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket: Socket) => {
    void serveConnection(socket, served);
  });
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}
