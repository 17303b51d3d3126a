import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { install, listing, tree, until } from './fixture.js';
import type { Installation } from './fixture.js';

let site: Installation;
let daemon: Rsyncd;
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeAll(async () => {
  site = install();
  const upstream = tree(join(site.root, '../upstream'), { a: '1', b: '2' });
  daemon = await startRsyncd(
    {
      open: { path: upstream },
      closed: { path: upstream, options: { 'auth users': 'ada', 'secrets file': 'SECRETS' } },
      denied: { path: upstream, options: { 'hosts allow': '192.0.2.1' } },
      one: { path: upstream, options: { 'max connections': '1', 'lock file': join(site.root, 'one.lock') } },
      gone: { path: join(site.root, 'nowhere') },
    },
    { ada: 'right' },
  );
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  await daemon.stop();
  site.remove();
});

/** A listener that is no rsync daemon. */
async function impostor(greet: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    greet(socket);
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `rsync://127.0.0.1:${(server.address() as AddressInfo).port}/open`;
}

async function outcomeOf(id: string, src: string, options: object = {}): Promise<unknown> {
  const fast = { options: { timeout: 1, contimeout: 1, ...options } };
  site.job(id, { attempts: site.attempts(id, [src], fast) });
  const { code } = await site.run(id);
  const { last, last_success } = site.state(id);
  expect(last_success).toBeNull();
  return { code, outcome: last?.outcome, failure: last?.failure, reason: last?.reason };
}

describe('an upstream that fails', () => {
  const unavailable = { code: 69, outcome: 'failed', failure: 'unavailable' };
  const auth = { code: 77, outcome: 'failed', failure: 'auth' };

  test('dead: nobody listens', async () => {
    const src = `rsync://127.0.0.1:${await freePort()}/open`;
    expect(await outcomeOf('dead', src)).toMatchObject({
      ...unavailable,
      reason: expect.stringContaining('Connection refused') as string,
    });
  });

  test('hanging: it accepts and never says a word', async () => {
    expect(await outcomeOf('hanging', await impostor(() => undefined))).toMatchObject(unavailable);
  });

  test('lying: it speaks, but not rsync’s language', async () => {
    const http = await impostor((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nhello\n'));
    expect(await outcomeOf('lying', http)).toMatchObject(unavailable);
    const shell = await impostor((socket) => {
      socket.write('@RSYNCD: 31.0\n');
      socket.on('data', () =>
        socket.write('@RSYNCD: OK\n\u0003\u0004 not a file list at all, and too much of it\n'),
      );
    });
    expect(await outcomeOf('lying2', shell)).toMatchObject({ outcome: 'failed' });
  });

  test('unknown module, denied host, wrong or missing password: a person has to look', async () => {
    const reasons: [string, string, string][] = [
      ['unknown', daemon.url('nonsense'), 'Unknown module'],
      ['denied', daemon.url('denied'), '@ERROR: access denied|Unknown module'],
      ['closed', daemon.url('closed', 'ada'), 'auth failed'],
    ];
    for (const [id, src, reason] of reasons) {
      expect(await outcomeOf(id, src)).toMatchObject({
        ...auth,
        reason: expect.stringMatching(reason) as string,
      });
    }
  });

  test('a module whose directory is away is unavailable, not a matter for a person', async () => {
    expect(await outcomeOf('gone', daemon.url('gone'))).toMatchObject(unavailable);
  });

  test('too many connections: try later', async () => {
    const first = await busyConnection();
    try {
      expect(await outcomeOf('crowded', daemon.url('one'))).toMatchObject({
        ...unavailable,
        reason: expect.stringContaining('max connections') as string,
      });
    } finally {
      first();
    }
  });
});

/** Occupies the only connection that the module `one` allows; returns how to let go. */
async function busyConnection(): Promise<() => void> {
  const socket = connect(daemon.port, '127.0.0.1');
  let said = '';
  socket.on('data', (data) => (said += data.toString('latin1')));
  socket.write('@RSYNCD: 31.0\none\n');
  await until(() => said.includes('@RSYNCD: OK'), 'the daemon to take the connection');
  return () => void socket.destroy();
}

describe('a password', () => {
  test('reaches rsync on stdin, and appears in no file and no argument', async () => {
    const password = { file: join(site.root, 'password') };
    const attempts = site.attempts('secret', [daemon.url('closed', 'ada')], { password });
    for (const [content, code] of [
      ['wrong\n', 77],
      ['right\n', 0],
    ] as const) {
      writeFileSync(password.file, content);
      const job = site.job('secret', { attempts, secrets: { password: password.file } });
      expect((await site.run('secret')).code).toBe(code);
      const everything = JSON.stringify([job.attempts, site.state('secret'), site.log('secret')]);
      expect(everything).not.toMatch(/wrong|right/);
    }
    expect(listing(site.dst('secret'))).toEqual(['a', 'b']);
  });

  test('is taken from systemd’s credentials before the file', async () => {
    const credentials = tree(join(site.root, 'credentials'), { password: 'right' });
    const password = { file: '/nonexistent/secret' };
    const attempts = site.attempts('cred', [daemon.url('closed', 'ada')], { password });
    site.job('cred', { attempts, secrets: { password: password.file } });
    const without = await site.run('cred');
    expect(without).toMatchObject({ code: 77 });
    expect(site.state('cred').last?.reason).toContain('secret `password`');
    const args = ['run', '--root', site.root, 'cred'];
    expect(await site.start(args, { CREDENTIALS_DIRECTORY: credentials }).ended).toMatchObject({ code: 0 });
  });
});

describe('sources in order', () => {
  test('the next one is tried only when the one before is unavailable, and never deletes', async () => {
    const dead = `rsync://127.0.0.1:${await freePort()}/open`;
    site.job('two', { attempts: site.attempts('two', [dead, daemon.url('open')]) });
    tree(site.dst('two'), { extra: 'only here' });
    expect((await site.run('two')).code).toBe(0);
    expect(site.state('two').last).toMatchObject({ outcome: 'synced', src: daemon.url('open') });
    expect(listing(site.dst('two'))).toEqual(['a', 'b', 'extra']);
    expect(site.log('two')).toContain('Connection refused');

    site.job('two', { attempts: site.attempts('two', [daemon.url('nonsense'), daemon.url('open')]) });
    expect((await site.run('two')).code).toBe(77);
    expect(site.state('two').last).toMatchObject({ failure: 'auth', src: daemon.url('nonsense') });
  });
});

function publishedStatus(id: string): string | undefined {
  const path = join(site.root, 'www/status.json');
  if (!existsSync(path)) return undefined;
  return (JSON.parse(readFileSync(path, 'utf8')) as Record<string, { status?: string }>)[id]?.status;
}

describe('retries', () => {
  const retry = { delay: 1, attempts: 3, max_delay: 10 };

  test('come after a doubling delay, are errors meanwhile, and end with the attempts', async () => {
    const dead = `rsync://127.0.0.1:${await freePort()}/open`;
    site.job('retried', { attempts: site.attempts('retried', [dead]), retry });
    const running = site.start(['run', '--root', site.root, '--scheduled', 'retried']);
    await until(() => site.state('retried').run?.phase === 'retrying', 'the first retry');
    expect(site.state('retried')).toMatchObject({ errors: 1, last_end: null, last: { outcome: 'failed' } });
    await until(() => publishedStatus('retried') === 'ERROR', 'the error to be published');
    expect((await running.ended).code).toBe(69);
    const records = site.history('retried');
    expect(records.map(({ trigger }) => trigger)).toEqual(['schedule', 'retry', 'retry']);
    const gaps = records.slice(1).map(({ started }, i) => (started - (records[i]?.ended ?? 0)) / 1000);
    expect(gaps[0]).toBeGreaterThan(0.9);
    expect(gaps[1]).toBeGreaterThan(1.9);
    expect(site.state('retried')).toMatchObject({ errors: 3, run: null, last_end: records[2]?.ended });
  });

  test('are woken by a request, and the run that then succeeds ends them', async () => {
    const port = await freePort();
    const src = `rsync://127.0.0.1:${port}/open`;
    const slow = { delay: 500, attempts: 3, max_delay: 500 };
    site.job('woken', { attempts: site.attempts('woken', [src]), retry: slow });
    const running = site.start(['run', '--root', site.root, '--scheduled', 'woken']);
    await until(() => site.state('woken').run?.phase === 'retrying', 'the retry');
    // The job was read when the run began; what a person mends meanwhile is upstream.
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      const through = connect(daemon.port, '127.0.0.1');
      through.on('error', () => undefined);
      socket.pipe(through).pipe(socket);
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
    expect(await site.run('woken')).toMatchObject({ code: 75 });
    expect((await running.ended).code).toBe(0);
    expect(site.history('woken').map(({ trigger }) => trigger)).toEqual(['schedule', 'request']);
    expect(site.state('woken')).toMatchObject({ errors: 0 });
  });

  test('are not made for requests, nor where a person is needed', async () => {
    site.job('asked', {
      attempts: site.attempts('asked', [`rsync://127.0.0.1:${await freePort()}/x`]),
      retry,
    });
    await site.run('asked');
    expect(site.history('asked')).toHaveLength(1);
    site.job('barred', { attempts: site.attempts('barred', [daemon.url('closed', 'ada')]), retry });
    await site.run('barred', '--scheduled');
    expect(site.history('barred')).toHaveLength(1);
  });
});
