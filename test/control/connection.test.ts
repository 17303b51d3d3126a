import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MirrorClient } from '../../src/control/client.js';
import { CommandError, serveConnection, turnAway, type Handlers } from '../../src/control/connection.js';
import { parsePeer } from '../../src/control/crowd.js';
import { MAX_REQUEST, encode } from '../../src/control/protocol.js';
import { hello, listen, raw, shaken, type Listening } from './served.js';

const BOUNDS = { handshake: 300, first: 300, idle: 300, drain: 300, life: 5000, requests: 50 };

let directory: string;
let listening: Listening;
/** Everything that was executed. */
const done: unknown[] = [];

const handlers: Handlers = new Map<string, (kwargs: Readonly<Record<string, unknown>>) => unknown>([
  ['echo', (kwargs) => (done.push(kwargs), kwargs)],
  ['refuse', () => Promise.reject(new CommandError(409, 'held'))],
  ['fail', () => Promise.reject(new Error('secret of /etc/shadow'))],
  ['large', () => 'x'.repeat(20_000_000)],
]);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-control-'));
  listening = await listen(directory, handlers, BOUNDS);
});
afterAll(async () => {
  await listening.stop();
  rmSync(directory, { recursive: true });
});

/** The server is as it was: it answers a well-behaved client. */
async function stillServes(): Promise<void> {
  const client = await shaken(listening.path);
  client.send(encode({ command: 'echo', kwargs: { still: 'here' } }));
  expect(await client.next()).toEqual({ status: 200, result: { still: 'here' } });
  client.socket.destroy();
}

describe('a handshake', () => {
  test('has three messages, the server first', async () => {
    const client = raw(listening.path);
    expect(await client.next()).toEqual({
      status: 200,
      message: 'Handshake',
      data: {
        info: { app_name: 'mirror', app_version: '1', protocol_version: 1, is_server: true, role: 'test' },
      },
    });
    client.send(hello());
    expect(await client.next()).toEqual({ status: 200, message: 'OK', result: null });
    client.socket.destroy();
  });

  test.each([
    ['another program', hello({ app_name: 'nginx' }), 403],
    ['another protocol', hello({ protocol_version: 2 }), 400],
    ['a command in its place', encode({ command: 'echo' }), 400],
    ['info that is no object', encode({ data: { info: 1 } }), 400],
    ['data that is no object', encode({ data: 'x' }), 400],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 413],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), 413],
  ])('with %s is answered, and the connection ended', async (_, bytes, status) => {
    const client = raw(listening.path);
    await client.next();
    client.send(bytes);
    expect(await client.next()).toMatchObject({ status, error: expect.any(String) as string });
    expect(await client.next()).toBeNull();
  });

  test('of mirror.py’s own client is taken', async () => {
    const client = raw(listening.path);
    await client.next();
    client.send(hello({ app_name: 'mirror.py' }));
    expect(await client.next()).toMatchObject({ status: 200 });
    client.socket.destroy();
  });

  test('that does not come is not waited for', async () => {
    const client = raw(listening.path);
    await client.next();
    expect(await client.next()).toMatchObject({ status: 408 });
    expect(await client.next()).toBeNull();
  });
});

describe('a request', () => {
  test.each<[string, unknown, number]>([
    ['an unknown command', { command: 'exec' }, 404],
    ['a command from Object.prototype', { command: 'constructor' }, 404],
    ['a command that is no text', { command: ['echo'] }, 404],
    ['no command', {}, 404],
    ['kwargs that are a list', { command: 'echo', kwargs: [1] }, 400],
    ['kwargs that are text', { command: 'echo', kwargs: 'x' }, 400],
    ['what the command refuses', { command: 'refuse' }, 409],
  ])('with %s is answered, and the next one is served', async (_, request, status) => {
    const client = await shaken(listening.path);
    client.send(encode(request));
    expect(await client.next()).toMatchObject({ status, error: expect.any(String) as string });
    client.send(encode({ command: 'echo', kwargs: null }));
    expect(await client.next()).toEqual({ status: 200, result: {} });
    client.socket.destroy();
  });

  test('that makes the server fail tells the asker nothing and the journal all', async () => {
    const client = await shaken(listening.path);
    client.send(encode({ command: 'fail' }));
    expect(await client.next()).toEqual({
      status: 500,
      error: 'the server failed; its journal has the reason',
    });
    expect(listening.said.join()).toContain('secret of /etc/shadow');
    client.socket.destroy();
  });

  test('that is too long is refused by its length alone', async () => {
    const client = await shaken(listening.path);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(MAX_REQUEST + 1);
    client.send(head);
    expect(await client.next()).toMatchObject({ status: 413 });
    expect(await client.next()).toBeNull();
  });

  test('that comes byte by byte and too slowly is not waited for', async () => {
    const client = await shaken(listening.path);
    const drip = setInterval(() => client.send(encode({ command: 'echo' }).subarray(0, 1)), 50);
    expect(await client.next()).toMatchObject({ status: expect.any(Number) as number });
    expect(await client.next()).toBeNull();
    clearInterval(drip);
  });

  test('that is broken off is answered as far as somebody listens', async () => {
    const client = await shaken(listening.path);
    client.socket.end(encode({ command: 'echo' }).subarray(0, 9));
    expect(await client.next()).toMatchObject({ status: 400 });
    expect(await client.next()).toBeNull();
  });

  test('of a client that has ended its side is answered', async () => {
    const client = await shaken(listening.path);
    client.socket.end(encode({ command: 'echo', kwargs: { last: 1 } }));
    expect(await client.next()).toEqual({ status: 200, result: { last: 1 } });
    expect(await client.next()).toBeNull();
  });

  test('after request in one piece are answered in their order', async () => {
    const client = await shaken(listening.path);
    client.send(Buffer.concat([1, 2, 3].map((n) => encode({ command: 'echo', kwargs: { n } }))));
    for (const n of [1, 2, 3]) expect(await client.next()).toEqual({ status: 200, result: { n } });
    client.socket.destroy();
  });

  test('too many on one connection end it', async () => {
    const client = await shaken(listening.path);
    for (let i = 0; i < BOUNDS.requests; i += 1) {
      client.send(encode({ command: 'echo' }));
      expect(await client.next()).toMatchObject({ status: 200 });
    }
    expect(await client.next()).toMatchObject({ status: 429 });
    expect(await client.next()).toBeNull();
  });

  test('whose answer nobody reads holds nothing for long', async () => {
    const client = await shaken(listening.path);
    client.socket.pause();
    client.send(encode({ command: 'large' }));
    const began = performance.now();
    while (listening.said.at(-1) !== 'connection ended: does not read its answer') {
      expect(performance.now() - began).toBeLessThan(3000);
      await new Promise((next) => setTimeout(next, 20));
    }
    client.socket.destroy();
    await stillServes();
  });
});

test('silence is ended', async () => {
  const client = await shaken(listening.path);
  expect(await client.next()).toMatchObject({ status: 408 });
  expect(await client.next()).toBeNull();
});

test('a client tries again when it is told that the server is full', async () => {
  const home = mkdtempSync(join(directory, 'full-'));
  let refused = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    refused += 1;
    if (refused === 1) socket.destroy();
    else if (refused === 2) void turnAway(socket);
    else void serveConnection(socket, { handlers, version: '1', role: 'test' });
  });
  const path = join(home, 'control.sock');
  await new Promise<void>((next) => server.listen(path, next));
  const client = await MirrorClient.connect({ path });
  expect(await client.request('echo', { n: 1 })).toEqual({ n: 1 });
  expect(refused).toBe(3);
  client.close();
  server.close();
});

test('the user of a connection is read from the name that systemd gives its service', () => {
  expect(parsePeer('5-1234-1000')).toEqual({ connection: 5, uid: '1000' });
  expect(parsePeer('5-1234_77-1234-1000')).toEqual({ connection: 5, uid: '1000' });
  expect(parsePeer('')).toBeNull();
});

test('whatever bytes come, they are answered or dropped, and nothing is executed', async () => {
  done.length = 0;
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
    fc.jsonValue().map((value) => encode(value)),
    // What looks like a request, with one thing wrong: a byte, its length, its end.
    fc.tuple(fc.nat(60), fc.nat(255)).map(([at, byte]) => {
      const message = Buffer.from(encode({ command: 'exho', kwargs: { argv: ['touch', '/tmp/x'] } }));
      message[at % message.length] = byte;
      return message;
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(bytes, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (polite, all, ends) => {
        const client = polite ? await shaken(listening.path) : raw(listening.path);
        for (const each of all) client.send(each);
        if (ends) client.socket.end();
        for (let i = 0; i < 8; i += 1) {
          const message = await client.next();
          if (message === null) break;
          if (polite) expect(message).toMatchObject({ error: expect.any(String) as string });
        }
        client.socket.destroy();
      },
    ),
    { numRuns: 150, seed: 2026 },
  );
  expect(done).toEqual([]);
  await stillServes();
}, 120_000);
