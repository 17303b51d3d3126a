import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MirrorClient } from '../../src/control/client.js';
import { controlHandlers } from '../../src/control/handlers.js';
import { VERSION } from '../../src/control/main.js';
import { encode } from '../../src/control/protocol.js';
import { ENTRY, install, until, type Installation } from '../run/fixture.js';
import { listen, type Listening } from './served.js';

let site: Installation;
let listening: Listening;

const [, runner = ''] = process.argv;

beforeAll(async () => {
  // What a request starts is this program, as if it served the socket itself.
  process.argv[1] = ENTRY;
  site = install();
  for (const id of ['debian', 'long', 'asked', 'worded']) site.script(id, `echo x >> $F/${id}`);
  listening = await listen(site.root, controlHandlers(site.layout, 'kim'));
});
afterAll(async () => {
  process.argv[1] = runner;
  await listening.stop();
  site.remove();
});

const connected = (): Promise<MirrorClient> => MirrorClient.connect({ path: listening.path });

describe('the typed client on a plain unix socket', () => {
  test('pings, lists and shows, one answer after another however they are asked', async () => {
    const client = await connected();
    const [pong, list, status] = await Promise.all([client.ping(), client.list(), client.status(['debian'])]);
    expect(pong).toBe('pong');
    expect(list.map(({ id }) => id)).toEqual(['debian', 'long', 'asked', 'worded']);
    expect(status).toMatchObject({ format: 'mirror/status/1', mirrorname: 'Test Mirror' });
    expect(status.packages).toEqual([expect.objectContaining({ id: 'debian', errors: 0 })]);
    expect((await client.status()).packages).toHaveLength(4);
    client.close();
  });

  test('is told of refusals by number, and goes on', async () => {
    const client = await connected();
    await expect(client.startSync('nix')).rejects.toMatchObject({
      name: 'MirrorError',
      status: 404,
      message: 'no package `nix` is applied here',
    });
    await expect(client.startSync('../debian')).rejects.toMatchObject({ status: 404 });
    await expect(client.startSync('debian', { debounce: -1 })).rejects.toMatchObject({ status: 400 });
    await expect(client.request('start_sync', { id: ['debian'] })).rejects.toMatchObject({ status: 400 });
    await expect(client.request('start_sync', { id: 'debian', words: 'x' })).rejects.toMatchObject({
      status: 400,
    });
    await expect(client.request('status', { ids: [1] })).rejects.toMatchObject({ status: 400 });
    expect(await client.ping()).toBe('pong');
    client.close();
    expect(existsSync(join(site.root, 'flags/debian'))).toBe(false);
  });

  test('starts what it names, and stops it', async () => {
    const client = await connected();
    site.script('long', 'echo x > $F/long; exec sleep 1000');
    expect(await client.startSync('long')).toMatchObject({ id: 'long', not_before: null, problem: null });
    await until(() => existsSync(join(site.root, 'flags/long')));
    expect(await client.stopSync('long')).toEqual({ id: 'long', end: 'stopped' });
    expect(site.state('long').last).toMatchObject({ outcome: 'stopped', trigger: 'request' });
    expect(await client.stopSync('long')).toEqual({ id: 'long', end: 'not-running' });
    client.close();
  });

  test('records words and who asked, and keeps nothing that is no plain word', async () => {
    const fixture = await connected();
    site.script('worded', 'while ! [ -e $F/go ]; do sleep 0.02; done');
    const running = site.start(['run', '--root', site.root, 'worded']);
    await until(() => site.state('worded').run?.phase === 'running');
    await requestOnly(fixture, 'worded', ['sync:stage1', '$(reboot)', '-rf', 'x'.repeat(100)]);
    await requestOnly(fixture, 'worded', ['sync:stage2']);
    expect(JSON.parse(readFileSync(site.layout.requestFile('worded'), 'utf8'))).toMatchObject({
      by: 'kim',
      push: true,
      words: ['sync:stage1', 'sync:stage2'],
    });
    writeFileSync(join(site.root, 'flags/go'), '');
    await running.ended;
    await until(() => site.state('worded').run === null && site.state('worded').last?.trigger === 'push');
    fixture.close();
  });

  test('rejects with the system’s error where nobody listens', async () => {
    await expect(MirrorClient.connect({ path: join(site.root, 'none.sock') })).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  test('waits for no server that is silent, and takes no answer that is none', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mirror-client-'));
    const path = join(directory, 'odd.sock');
    let answer: Uint8Array = Buffer.from('HTTP/1.1 400 Bad Request\r\n');
    const server = createServer((socket) => socket.on('error', () => undefined).write(answer));
    await new Promise<void>((done) => server.listen(path, done));
    await expect(MirrorClient.connect({ path })).rejects.toThrow('too long');
    answer = encode({ status: 200, data: { info: { protocol_version: 9 } } });
    await expect(MirrorClient.connect({ path })).rejects.toThrow('does not speak protocol 1');
    answer = encode({ status: 403, error: 'not you' });
    await expect(MirrorClient.connect({ path })).rejects.toMatchObject({ status: 403, message: 'not you' });
    server.close();
    rmSync(directory, { recursive: true });
  });

  test('whose server goes away says so to all that wait', async () => {
    const client = await connected();
    const waiting = [client.ping(), client.ping()];
    client.close();
    for (const one of await Promise.allSettled(waiting)) expect(one.status).toBe('rejected');
    await expect(client.ping()).rejects.toThrow('closed');
  });
});

/** Over the socket a request also starts something; here a run holds the lock, so that the request can be looked at. */
async function requestOnly(client: MirrorClient, id: string, words: readonly string[]): Promise<void> {
  expect(await client.startSync(id, { words })).toMatchObject({ id, not_before: null });
}

test('a program imports the client from the package, with its types', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mirror-package-'));
  const home = join(directory, 'node_modules/mirror');
  mkdirSync(home, { recursive: true });
  symlinkSync(resolve('package.json'), join(home, 'package.json'));
  symlinkSync(dirname(ENTRY), join(home, 'dist'));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  const program = `import { MirrorClient, MirrorError } from 'mirror/client';
const client: MirrorClient = await MirrorClient.connect({ path: process.argv[2] ?? '' });
const started = await client.startSync('asked');
const error: unknown = await client.stopSync('nix').catch((reason: unknown) => reason);
console.log(started.id, started.problem, error instanceof MirrorError ? error.status : null);
client.close();
`;
  writeFileSync(join(directory, 'program.ts'), program);
  writeFileSync(join(directory, 'wrong.ts'), program.replace("startSync('asked')", 'startSync(1)'));
  const tsc = (file: string): string => {
    const flags = [
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--skipLibCheck',
      '--types',
      'node',
    ];
    const roots = ['--typeRoots', resolve('node_modules/@types'), '--preserveSymlinks'];
    try {
      return execFileSync(resolve('node_modules/.bin/tsc'), [...flags, ...roots, file], {
        cwd: directory,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  };
  expect(tsc('program.ts')).toBe('');
  expect(tsc('wrong.ts')).toContain(
    "Argument of type 'number' is not assignable to parameter of type 'string'",
  );
  return new Promise<void>((done, fail) => {
    const child = spawn(process.execPath, ['--preserve-symlinks', 'program.js', listening.path], {
      cwd: directory,
    });
    let out = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (out += data.toString()));
    child.on('close', () => {
      rmSync(directory, { recursive: true });
      if (out === 'asked null 404\n') done();
      else fail(new Error(out));
    });
  });
});

test('the server says the package’s version', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
});

describe('mirror control, as a socket unit starts it', () => {
  test('serves the connection that it is handed, and ends with it', async () => {
    const path = join(site.root, 'activated.sock');
    const activate = spawn(
      'systemd-socket-activate',
      [
        '--accept',
        '--listen',
        path,
        process.execPath,
        ENTRY,
        'control',
        '--root',
        site.root,
        '--peer',
        '3-77-0',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    activate.stderr.on('data', (data: Buffer) => (said += data.toString()));
    try {
      await until(() => existsSync(path), 'it listens');
      chmodSync(path, 0o600);
      const [one, two] = await Promise.all([MirrorClient.connect({ path }), MirrorClient.connect({ path })]);
      expect(one.server).toMatchObject({ role: 'control', app_version: VERSION });
      expect(await one.ping()).toBe('pong');
      expect((await two.list()).length).toBe(4);
      one.close();
      two.close();
      await until(() => (said.match(/died with code 0/g) ?? []).length === 2, 'both ended well');
    } finally {
      activate.kill();
    }
  });

  test('does nothing when a person calls it', async () => {
    const { code, stderr } = await site.start(['control']).ended;
    expect(code).toBe(64);
    expect(stderr).toContain('is started by mirror-control.socket');
    expect((await site.start(['control', '--exec', 'x']).ended).code).toBe(64);
  });
});
