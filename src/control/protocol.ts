/**
 * What goes over the control socket, after mirror.py: messages of a 4-byte big-endian length and that many bytes of
 * JSON. A connection begins with a handshake of three messages (the server's introduction, the client's, the server's
 * word), then the client asks and the server answers, one at a time. Shared by server and client; imports nothing of ours.
 */

/** Version of the protocol; both sides must speak the same. */
export const PROTOCOL_VERSION = 1;

/** What we call ourselves in a handshake. */
export const APP_NAME = 'mirror';

/** Where a live installation listens. */
export const CONTROL_SOCKET = '/run/mirror/control.sock';

/** Milliseconds for the whole handshake. */
export const HANDSHAKE_TIMEOUT = 5000;

/** Bytes of JSON in a request; none of ours needs a tenth of it. */
export const MAX_REQUEST = 64 * 1024;

/** Bytes of JSON in an answer: the status of some ten thousand packages. */
export const MAX_RESPONSE = 64 * 1024 * 1024;

/** How a side introduces itself. */
export interface HandshakeInfo {
  readonly app_name: string;
  readonly app_version: string;
  readonly protocol_version: number;
  readonly is_server: boolean;
  readonly role: string;
}

/** First and second message of the handshake. The third is a `Response` without a result. */
export interface Introduction {
  readonly status: number;
  readonly message: string;
  readonly data: { readonly info: HandshakeInfo };
}

/** What a client asks. */
export interface Request {
  readonly command: string;
  readonly kwargs?: Readonly<Record<string, unknown>> | null;
}

/** Status numbers mean what they mean in HTTP; 200 comes with a result, all others with an error. */
export type Response =
  { readonly status: 200; readonly result: unknown } | { readonly status: number; readonly error: string };

/** A message that breaks the rules; whoever sent it is told, and hung up on. */
export class ProtocolError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** A message as it goes over the wire. Throws ProtocolError 413 when it has more than `max` bytes. */
export function encode(message: unknown, max: number = MAX_RESPONSE): Buffer {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  if (body.length > max)
    throw new ProtocolError(413, `a message of ${String(body.length)} bytes is too long`);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

/** Puts messages together from whatever pieces arrive; holds at most one message's bytes and what came with its end. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(readonly max: number) {}

  /** Whether a message has begun and is not whole: who hangs up now has broken off. */
  get isInside(): boolean {
    return this.#size > 0;
  }

  /** Takes bytes as they come. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /**
   * The next whole message, a JSON object, or null when more bytes are needed. Throws ProtocolError: 413 as soon as the
   * length says that it is too long, before a byte of it is kept waiting for; 400 when it is no object in UTF-8 JSON.
   */
  next(): Readonly<Record<string, unknown>> | null {
    if (this.#size < 4) return null;
    const length = this.#peek(4).readUInt32BE();
    if (length > this.max)
      throw new ProtocolError(413, `a message of ${String(length)} bytes is too long (${String(this.max)})`);
    if (this.#size < 4 + length) return null;
    const all = this.#peek(this.#size);
    const rest = all.subarray(4 + length);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    return parseObject(all.subarray(4, 4 + length));
  }

  /** The first `count` bytes in one piece. Joins only when they are not, so that many small pieces stay cheap. */
  #peek(count: number): Buffer {
    const first = this.#chunks[0] ?? Buffer.alloc(0);
    if (first.length >= count) return first.subarray(0, count);
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined.subarray(0, count);
  }
}

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new ProtocolError(400, 'a message that is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ProtocolError(400, 'a message that is no JSON object');
  return value as Readonly<Record<string, unknown>>;
}
