import type { Duplex } from 'node:stream';
import {
  APP_NAME,
  MAX_REQUEST,
  MessageReader,
  PROTOCOL_VERSION,
  ProtocolError,
  encode,
  type Introduction,
  type Response,
} from './protocol.js';

/** What can be asked: a command's name → its answer. Throws CommandError for what the asker must be told. */
export type Handlers = ReadonlyMap<string, (kwargs: Readonly<Record<string, unknown>>) => unknown>;

/** A command's refusal, as the asker is told it. */
export class CommandError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Bounds of one connection, in milliseconds and requests. */
export interface Bounds {
  readonly handshake: number;
  /** Longest wait for the first request: a connection that asks nothing keeps a place from others. */
  readonly first: number;
  /** Longest silence between requests, and longest time that one request may take to arrive. */
  readonly idle: number;
  /** Longest time that the other side may leave an answer unread. */
  readonly drain: number;
  /** Longest life of the connection. */
  readonly life: number;
  readonly requests: number;
}

/** Bounds that serve every honest client. */
export const BOUNDS: Bounds = {
  handshake: 2000,
  first: 2000,
  idle: 30_000,
  drain: 10_000,
  life: 300_000,
  requests: 1000,
};

/** What a server says of itself, and who hears of oddities. */
export interface Served {
  readonly handlers: Handlers;
  readonly version: string;
  readonly role: string;
  readonly bounds?: Partial<Bounds>;
  readonly say?: (message: string) => void;
}

/** What a server knows of a connection that it may have to end for the sake of another. */
export interface Seat {
  /** Requests that came so far. */
  requests: number;
  /** Since when (`performance.now()`) the other side owes the next word; null while its request is served. */
  silentSince: number | null;
}

/**
 * Serves one connection to its end; never rejects, and leaves the stream destroyed. Whatever comes in is bounded: the
 * bytes of a request, the time for each and for all, their number. What breaks the rules is answered once, if it can
 * be, and hung up on; a request that is merely wrong is answered, and the next one is awaited. Requests are served one
 * after another, and nothing is read while one is: who asks faster than we answer fills his own buffers.
 */
export async function serveConnection(
  stream: Duplex,
  served: Served,
  seat: Seat = { requests: 0, silentSince: null },
): Promise<void> {
  const bounds = { ...BOUNDS, ...served.bounds };
  const inbox = new Inbox(stream);
  // A peer that went away while we answered is no event.
  stream.on('error', () => undefined);
  const end = setTimeout(() => stream.destroy(), bounds.life);
  try {
    await handshake(stream, inbox, served, bounds);
    while (seat.requests < bounds.requests) {
      seat.silentSince = performance.now();
      const request = await inbox.next(seat.requests === 0 ? bounds.first : bounds.idle);
      if (request === null) return;
      seat.requests += 1;
      seat.silentSince = null;
      await send(stream, await answer(request, served), bounds.drain);
    }
    throw new ProtocolError(429, 'enough requests for one connection');
  } catch (error) {
    await farewell(stream, error, served, bounds);
  } finally {
    clearTimeout(end);
    inbox.close();
    await hangUp(stream);
  }
}

async function handshake(
  stream: Duplex,
  inbox: Inbox,
  { version, role }: Served,
  bounds: Bounds,
): Promise<void> {
  const info = {
    app_name: APP_NAME,
    app_version: version,
    protocol_version: PROTOCOL_VERSION,
    is_server: true,
    role,
  };
  const ours: Introduction = { status: 200, message: 'Handshake', data: { info } };
  await send(stream, ours, bounds.drain);
  const message = await inbox.next(bounds.handshake);
  if (message === null) throw new ProtocolError(400, 'gone before the handshake');
  const theirs = introduction(message);
  // mirror.py's own clients are welcome.
  if (theirs.app_name !== APP_NAME && theirs.app_name !== 'mirror.py')
    throw new ProtocolError(403, 'this is the control socket of mirror');
  if (theirs.protocol_version !== PROTOCOL_VERSION)
    throw new ProtocolError(400, `this server speaks protocol ${String(PROTOCOL_VERSION)}`);
  await send(stream, { status: 200, message: 'OK', result: null }, bounds.drain);
}

function introduction(message: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const data = message.data as { info?: unknown } | null | undefined;
  const info = (typeof data === 'object' ? data?.info : undefined) ?? message.info;
  if (typeof info !== 'object' || info === null) throw new ProtocolError(400, 'expected a handshake');
  return info as Readonly<Record<string, unknown>>;
}

async function answer(request: Readonly<Record<string, unknown>>, served: Served): Promise<Response> {
  const { command, kwargs } = request;
  const handler = typeof command === 'string' ? served.handlers.get(command) : undefined;
  if (!handler) {
    const known = [...served.handlers.keys()].join(', ');
    return { status: 404, error: `no such command; there are: ${known}` };
  }
  if (kwargs !== undefined && (typeof kwargs !== 'object' || Array.isArray(kwargs)))
    return { status: 400, error: '`kwargs` is no object' };
  try {
    const given = (kwargs ?? {}) as Readonly<Record<string, unknown>>;
    return { status: 200, result: (await handler(given)) ?? null };
  } catch (error) {
    if (error instanceof CommandError) return { status: error.status, error: error.message };
    // What went wrong inside is for our journal; the asker learns no paths and no stack.
    served.say?.(`${String(command)}: ${(error as Error).stack ?? String(error)}`);
    return { status: 500, error: 'the server failed; its journal has the reason' };
  }
}

/** Tells a peer that its user has connections enough, in place of the server's introduction, and hangs up. */
export async function turnAway(stream: Duplex, { bounds }: Pick<Served, 'bounds'> = {}): Promise<void> {
  stream.on('error', () => undefined);
  const refusal = { status: 429, error: 'too many connections of one user: close some, or try again' };
  await send(stream, refusal, { ...BOUNDS, ...bounds }.drain).catch(() => undefined);
  await hangUp(stream);
}

/** Tells the other side why, as far as it still listens. */
async function farewell(stream: Duplex, error: unknown, served: Served, bounds: Bounds): Promise<void> {
  if (!(error instanceof ProtocolError)) {
    served.say?.(`connection ended: ${(error as Error).stack ?? String(error)}`);
    return;
  }
  served.say?.(`connection ended: ${error.message}`);
  await send(stream, { status: error.status, error: error.message }, bounds.drain).catch(() => undefined);
}

/** Resolves when the other side's buffers have taken the message. */
function send(stream: Duplex, message: unknown, patience: number): Promise<void> {
  return new Promise((done, fail) => {
    if (stream.destroyed) {
      fail(new ProtocolError(400, 'gone before its answer'));
      return;
    }
    const late = setTimeout(() => fail(new ProtocolError(408, 'does not read its answer')), patience);
    stream.write(encode(message), (error) => {
      clearTimeout(late);
      if (error) fail(new ProtocolError(400, 'gone before its answer'));
      else done();
    });
  });
}

/** Ends our side, and gives the last message a moment to leave. */
async function hangUp(stream: Duplex): Promise<void> {
  if (!stream.destroyed) {
    await new Promise<void>((done) => {
      const late = setTimeout(done, 200);
      stream.once('close', done);
      stream.end(() => {
        clearTimeout(late);
        done();
      });
    });
  }
  stream.destroy();
}

/** The messages that come in, read only when one is asked for. */
class Inbox {
  readonly #reader = new MessageReader(MAX_REQUEST);
  #wake: (() => void) | null = null;
  #over = false;

  constructor(readonly stream: Duplex) {
    // Paused first: a listener alone would let bytes flow.
    stream.pause();
    stream.on('data', this.#data);
    stream.once('end', this.#end);
    stream.once('close', this.#end);
  }

  /** The next message; null when the other side ended between two. Throws ProtocolError. */
  async next(patience: number): Promise<Readonly<Record<string, unknown>> | null> {
    const until = performance.now() + patience;
    for (;;) {
      const message = this.#reader.next();
      if (message !== null) return message;
      if (this.#over) {
        if (this.#reader.isInside) throw new ProtocolError(400, 'broken off in the middle of a message');
        return null;
      }
      const left = until - performance.now();
      if (left <= 0) throw new ProtocolError(408, 'nothing whole came in time');
      await this.#more(left);
    }
  }

  close(): void {
    this.stream.off('data', this.#data);
  }

  /** Lets bytes in until some came, the other side ended, or `patience` milliseconds are over. */
  #more(patience: number): Promise<void> {
    return new Promise((done) => {
      const late = setTimeout(() => this.#wake?.(), patience);
      this.#wake = () => {
        clearTimeout(late);
        this.#wake = null;
        this.stream.pause();
        done();
      };
      this.stream.resume();
    });
  }

  readonly #data = (chunk: Buffer): void => {
    this.#reader.push(chunk);
    this.#wake?.();
  };

  readonly #end = (): void => {
    this.#over = true;
    this.#wake?.();
  };
}
