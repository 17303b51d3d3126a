import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { serveConnection, type Bounds, type Handlers } from '../../src/control/connection.js';
import { APP_NAME, MAX_RESPONSE, MessageReader, encode } from '../../src/control/protocol.js';

export interface Listening {
  readonly path: string;
  readonly server: Server;
  /** What the server said of oddities. */
  readonly said: string[];
  stop(): Promise<void>;
}

/** A server on a plain unix socket in `directory`. */
export async function listen(
  directory: string,
  handlers: Handlers,
  bounds: Partial<Bounds> = {},
): Promise<Listening> {
  const path = join(directory, 'control.sock');
  const said: string[] = [];
  const say = (message: string): void => void said.push(message);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    void serveConnection(socket, { handlers, version: '1', role: 'test', bounds, say });
  });
  await new Promise<void>((done) => server.listen(path, done));
  return { path, server, said, stop: () => new Promise((done) => server.close(() => done())) };
}

type Message = Readonly<Record<string, unknown>>;

/** A client without manners: sends any bytes, sees every message. */
export interface Raw {
  readonly socket: Socket;
  send(bytes: Buffer | string): void;
  /** The next message, or null when the server hung up; fails after two seconds. */
  next(): Promise<Message | null>;
}

/** Connects without shaking hands. */
export function raw(path: string): Raw {
  const socket = connect({ path, allowHalfOpen: true });
  const reader = new MessageReader(MAX_RESPONSE);
  let over = false;
  let wake = (): void => undefined;
  socket.on('data', (chunk: Buffer) => {
    reader.push(chunk);
    wake();
  });
  socket.on('error', () => undefined);
  for (const event of ['end', 'close'])
    socket.on(event, () => {
      over = true;
      wake();
    });
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    next: async () => {
      const until = Date.now() + 2000;
      for (;;) {
        const message = reader.next();
        if (message !== null) return message;
        if (over) return null;
        if (Date.now() > until) throw new Error('the server neither answers nor hangs up');
        await new Promise<void>((done) => {
          wake = done;
          setTimeout(done, 50);
        });
      }
    },
  };
}

/** The client's part of the handshake. */
export function hello(change: Record<string, unknown> = {}): Buffer {
  const info = {
    app_name: APP_NAME,
    app_version: '1',
    protocol_version: 1,
    is_server: false,
    role: 'x',
    ...change,
  };
  return encode({ status: 200, message: 'Handshake', data: { info } });
}

/** Connects and shakes hands. */
export async function shaken(path: string): Promise<Raw> {
  const client = raw(path);
  await client.next();
  client.send(hello());
  await client.next();
  return client;
}
