import { connect, type Socket } from 'node:net';
import {
  APP_NAME,
  CONTROL_SOCKET,
  HANDSHAKE_TIMEOUT,
  MAX_REQUEST,
  MAX_RESPONSE,
  MessageReader,
  PROTOCOL_VERSION,
  encode,
  type HandshakeInfo,
  type Introduction,
  type Request,
} from './protocol.js';

/** How to reach a mirror. */
export interface MirrorClientOptions {
  /** Path of the control socket; default `/run/mirror/control.sock`. */
  readonly path?: string;
  /** Milliseconds for an answer; default 60,000, because `stopSync` waits for the sync's end. */
  readonly timeout?: number;
  /** Shown in the server's journal; default `client`. */
  readonly role?: string;
}

/** A package that is applied. */
export interface ListedPackage {
  readonly id: string;
  readonly name: string;
  readonly synctype: string;
  /** ISO 8601 duration, `PUSH` or ``. */
  readonly syncrate: string;
  readonly disabled: boolean;
  readonly hidden: boolean;
}

/** One package's row of `mirror status --json`; times are ISO 8601 in UTC. */
export interface PackageStatus {
  readonly id: string;
  readonly name: string;
  /** One word: `ok`, `syncing`, `waiting`, `failed`, … */
  readonly status: string;
  /** As the public files say it: `ACTIVE`, `SYNC`, `ERROR` or `UNKNOWN`. */
  readonly published: string;
  readonly since: string | null;
  readonly reason: string | null;
  readonly last_success: string | null;
  readonly errors: number;
  readonly [key: string]: unknown;
}

/** What `mirror status --json` prints. */
export interface SiteStatus {
  readonly format: 'mirror/status/1';
  readonly mirrorname: string;
  readonly at: string;
  readonly packages: readonly PackageStatus[];
}

/** How a sync is asked for. */
export interface StartOptions {
  /** Seconds that must lie between the starts of two pushed runs; an earlier request waits. Default 0: at once. */
  readonly debounce?: number;
  /** Words of an upstream's push, such as `sync:all`; recorded for the package's method, never run. */
  readonly words?: readonly string[];
}

/** A request that is on disk and will be served by exactly one run. */
export interface Started {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Epoch milliseconds before which the run does not begin, or null. */
  readonly not_before: number | null;
  /** Why nothing could be started yet although the request stands, or null. */
  readonly problem: string | null;
}

/** How a stop ended. */
export interface Stopped {
  readonly id: string;
  readonly end: 'stopped' | 'not-running' | 'still-running';
}

/** The server's refusal: 400 bad request, 404 unknown command or package, 409 held, 500 and so on, as in HTTP. */
export class MirrorError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'MirrorError';
  }
}

/**
 * Talks to a mirror over its control socket. One connection, requests one after another; methods may be called without
 * waiting for each other. Refusals are MirrorErrors; a connection that fails rejects with the system's error, and every
 * request after that with it.
 *
 *     const client = await MirrorClient.connect();
 *     await client.startSync('debian');
 *     client.close();
 */
export class MirrorClient {
  readonly #socket: Socket;
  readonly #reader = new MessageReader(MAX_RESPONSE);
  readonly #timeout: number;
  #waiting: { done: (message: Message) => void; fail: (error: Error) => void } | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #broken: Error | null = null;
  #server: HandshakeInfo | null = null;

  private constructor(socket: Socket, timeout: number) {
    this.#socket = socket;
    this.#timeout = timeout;
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#deliver();
    });
    socket.on('error', (error) => this.#break(error));
    socket.on('close', () => this.#break(new HungUp('the mirror hung up')));
  }

  /**
   * Connects and shakes hands, within 5 s. Tries again for as long when the server is full. Rejects with the system's error
   * (ENOENT, EACCES, ECONNREFUSED) or a MirrorError.
   */
  static async connect(options: MirrorClientOptions = {}): Promise<MirrorClient> {
    const { path = CONTROL_SOCKET, timeout = 60_000, role = 'client' } = options;
    const until = Date.now() + HANDSHAKE_TIMEOUT;
    for (;;) {
      const client = new MirrorClient(connect({ path }), timeout);
      try {
        await client.#shakeHands(role);
        return client;
      } catch (error) {
        client.close();
        if (!isFull(error) || Date.now() > until) throw error;
        await new Promise((done) => setTimeout(done, RETRY_MS));
      }
    }
  }

  /** The server's introduction. */
  get server(): HandshakeInfo {
    if (this.#server === null) throw new Error('not connected');
    return this.#server;
  }

  /** Resolves to `pong`. */
  async ping(): Promise<'pong'> {
    return (await this.request('ping')) as 'pong';
  }

  /** Every package that is applied, hidden ones too. */
  async list(): Promise<readonly ListedPackage[]> {
    return (await this.request('list')) as readonly ListedPackage[];
  }

  /** How these packages are, or all. Rejects with MirrorError 404 for one that is not applied. */
  async status(ids: readonly string[] = []): Promise<SiteStatus> {
    return (await this.request('status', { ids })) as SiteStatus;
  }

  /** Asks for a sync and returns at once. Rejects with MirrorError 404 (not applied) or 409 (held). */
  async startSync(id: string, options: StartOptions = {}): Promise<Started> {
    return (await this.request('start_sync', { id, ...options })) as Started;
  }

  /** Ends a running sync, and waits for its end. Rejects with MirrorError 404 (not applied). */
  async stopSync(id: string): Promise<Stopped> {
    return (await this.request('stop_sync', { id })) as Stopped;
  }

  /** Any command, for what this class has no name for. Rejects with MirrorError when the server refuses. */
  request(command: string, kwargs: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const asked = this.#queue.then(async () => {
      const answer = await this.#exchange(
        encode({ command, kwargs } satisfies Request, MAX_REQUEST),
        this.#timeout,
      );
      return resultOf(answer);
    });
    this.#queue = asked.catch(() => undefined);
    return asked;
  }

  /** Hangs up; requests that wait are rejected. */
  close(): void {
    this.#break(new Error('closed'));
    this.#socket.destroy();
  }

  async #shakeHands(role: string): Promise<void> {
    const hello = await this.#exchange(null, HANDSHAKE_TIMEOUT);
    if (hello.status !== 200) resultOf(hello);
    this.#server = (hello.data as { info?: HandshakeInfo } | undefined)?.info ?? null;
    if (this.#server?.protocol_version !== PROTOCOL_VERSION)
      throw new MirrorError(400, `the server does not speak protocol ${String(PROTOCOL_VERSION)}`);
    const info: HandshakeInfo = {
      app_name: APP_NAME,
      app_version: '',
      protocol_version: PROTOCOL_VERSION,
      is_server: false,
      role,
    };
    const mine: Introduction = { status: 200, message: 'Handshake', data: { info } };
    resultOf(await this.#exchange(encode(mine), HANDSHAKE_TIMEOUT));
  }

  #exchange(bytes: Buffer | null, timeout: number): Promise<Message> {
    return new Promise((done, fail) => {
      if (this.#broken) {
        fail(this.#broken);
        return;
      }
      // An answer that comes after this would be taken for the next one's: the connection is of no use any more.
      const late = setTimeout(() => {
        this.#break(new Error(`no answer within ${String(timeout)} ms`));
        this.#socket.destroy();
      }, timeout);
      this.#waiting = {
        done: (message) => {
          clearTimeout(late);
          done(message);
        },
        fail: (error) => {
          clearTimeout(late);
          fail(error);
        },
      };
      if (bytes) this.#socket.write(bytes);
      this.#deliver();
    });
  }

  #deliver(): void {
    if (!this.#waiting) return;
    try {
      const message = this.#reader.next();
      if (message === null) return;
      const { done } = this.#waiting;
      this.#waiting = null;
      done(message);
    } catch (error) {
      this.#break(error as Error);
      this.#socket.destroy();
    }
  }

  #break(error: Error): void {
    this.#broken ??= error;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.fail(this.#broken);
  }
}

type Message = Readonly<Record<string, unknown>>;

/** Milliseconds until a server that was full is asked again. */
const RETRY_MS = 200;

class HungUp extends Error {}

/** Whether a handshake failed for want of a place: systemd hangs up without a word, our server says 429. */
function isFull(error: unknown): boolean {
  return error instanceof HungUp || (error instanceof MirrorError && error.status === 429);
}

function resultOf(message: Message): unknown {
  if (message.status === 200) return message.result;
  const error = typeof message.error === 'string' ? message.error : 'refused without a reason';
  throw new MirrorError(typeof message.status === 'number' ? message.status : 500, error);
}
