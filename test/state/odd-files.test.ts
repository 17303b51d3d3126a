import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MirrorClient } from '../../src/control/client.js';
import type { Layout } from '../../src/job/layout.js';
import type { Overview } from '../../src/state/overview.js';
import { ENTRY, machine, script, until, type Machine } from '../daemon/machine.js';

/** What another user, a tool or an upstream can put in the place of a small file. */
const KINDS: Readonly<Record<string, (path: string) => unknown>> = {
  FIFO: (path) => spawnSync('mkfifo', [path]),
  socket: (path) => sockets.push(createServer().listen(path)),
  directory: (path) => mkdirSync(`${path}/full`, { recursive: true }),
  'link to a device': (path) => symlinkSync('/dev/zero', path),
  'file of 2 GB': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 2 ** 31);
  },
  ...(process.getuid?.() === 0 && { device: (path: string) => spawnSync('mknod', [path, 'c', '1', '5']) }),
};

const PLACES: Readonly<Record<string, (layout: Layout, id: string) => string>> = {
  state: (layout, id) => layout.stateFile(id),
  baseline: (layout, id) => layout.baselineFile(id),
  hold: (layout, id) => layout.holdFile(id),
  request: (layout, id) => layout.requestFile(id),
  stop: (layout, id) => layout.stopFile(id),
  waiting: (layout, id) => layout.waitingFile(id),
  incident: (layout, id) => layout.incidentFile(id),
  history: (layout, id) => layout.historyFile(id),
  lock: (layout, id) => layout.runLock(id),
};

/** Longer than any command takes on a busy machine; one that waits for a FIFO takes for ever. */
const LIMIT_MS = 30_000;

let sockets: Server[];
let site: Machine;

beforeEach(() => {
  sockets = [];
  site = machine();
  const ids = ['well', ...Object.keys(PLACES)];
  const notify = { after_failures: 1, command: ['/bin/true'] };
  const fill = (id: string): string => `touch ${site.root}/srv/${id}/file`;
  site.config(Object.fromEntries(ids.map((id) => [id, script(id, fill(id))])), { notify });
  for (const command of [['apply'], ['run', 'well']]) expect(mirror(...command)).toMatchObject({ code: 0 });
});
afterEach(async () => {
  for (const server of sockets) server.close();
  await site.remove();
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program. Fails when it does not end by itself in time, or takes an odd file for a bug of its own. */
function mirror(command = '', ...args: string[]): Ended {
  const options = { encoding: 'utf8', timeout: LIMIT_MS, killSignal: 'SIGKILL' } as const;
  const { status, signal, stdout, stderr } = spawnSync(
    ENTRY,
    [command, '--root', site.root, ...args],
    options,
  );
  const what = `mirror ${command} ${args.join(' ')}: ${stderr}`;
  expect(signal, what).toBeNull();
  expect(stdout + stderr, what).not.toContain('this is a bug');
  return { code: status, stdout, stderr };
}

function plantAt(path: string, kind: string): void {
  rmSync(path, { recursive: true, force: true });
  KINDS[kind]?.(path);
}

/** mirror.py's word for a package, as the web sees it. */
function publishedAs(id: string): string | undefined {
  const { packages } = JSON.parse(readFileSync(`${site.layout.state}/stat.json`, 'utf8')) as {
    packages: Record<string, { status: { status: string } } | undefined>;
  };
  return JSON.stringify(packages[id]?.status).match(/ACTIVE|UNKNOWN|ERROR|SYNC/)?.[0];
}

test.each(Object.keys(KINDS))('a %s in the place of a small file keeps nothing waiting', (kind) => {
  for (const [id, place] of Object.entries(PLACES)) plantAt(place(site.layout, id), kind);
  statusTells(kind);
  for (const command of ['plan', 'apply', 'notify'])
    expect([command, mirror(command).code]).toEqual([command, 0]);
  historyTells(kind);
  publishGoesOn();
  runsGoOn(kind);
});

function statusTells(kind: string): void {
  const { code, stdout } = mirror('status');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^state +unreadable .*state\.json/m);
  expect(stdout).toMatch(/^well +ok /m);
  const { packages } = JSON.parse(mirror('status', '--json').stdout) as Overview;
  const told = packages.filter(({ unreadable }) => unreadable.length > 0).map(({ id }) => id);
  // What is huge is seen when a state is read, of a history only the end is, and of a lock nothing.
  const unsized = kind === 'file of 2 GB' ? ['state', 'history', 'lock'] : [];
  expect(told).toEqual(Object.keys(PLACES).filter((id) => !unsized.includes(id)));
  for (const id of ['state', 'hold']) {
    const checked = mirror('status', '--check', id);
    expect([id, checked.code]).toEqual([id, 2]);
    expect(checked.stdout).toContain(PLACES[id]?.(site.layout, id));
  }
  expect(mirror('status', '--check', 'well').code).toBe(0);
}

function historyTells(kind: string): void {
  const { code, stdout, stderr } = mirror('history');
  expect(stdout).toMatch(/ well +synced /);
  if (kind === 'file of 2 GB') expect(code).toBe(0);
  else expect([code, stderr]).toEqual([74, expect.stringContaining(site.layout.historyFile('history'))]);
}

/** One package is unknown, and stays so when its odd file has been moved aside. */
function publishGoesOn(): void {
  const { code, stderr } = mirror('publish');
  expect(code).toBe(0);
  expect(stderr).toContain('state of state was unreadable and is now');
  expect([publishedAs('well'), publishedAs('state')]).toEqual(['ACTIVE', 'UNKNOWN']);
  const checked = mirror('status', '--check', 'state');
  expect([checked.code, checked.stdout]).toEqual([2, expect.stringContaining('state.json.corrupt')]);
}

function runsGoOn(kind: string): void {
  for (const id of Object.keys(PLACES)) {
    const { code, stderr } = mirror('run', '--here', id);
    const isLocked = id !== 'lock' || kind === 'file of 2 GB';
    expect([id, code, stderr]).toEqual([id, isLocked ? 0 : 74, expect.anything()]);
    if (!isLocked) expect(stderr).toContain(site.layout.runLock(id));
  }
  const synced = ['state', 'baseline', 'request', 'stop', 'waiting', 'history'];
  for (const id of synced) expect([id, site.state(id).last?.outcome]).toEqual([id, 'synced']);
  expect(mirror('status', '--check', 'state', 'request', 'stop', 'history').code).toBe(0);
}

test.each(['state', 'hold', 'request', 'history', 'lock'])(
  'every command for a package answers where a FIFO or a directory is its %s',
  (id) => {
    const path = PLACES[id]?.(site.layout, id) ?? '';
    for (const command of ['explain', 'logs', 'history', 'stop', 'hold', 'unhold', 'push', 'start']) {
      plantAt(path, ['hold', 'push'].includes(command) ? 'directory' : 'FIFO');
      const options = command === 'hold' ? ['--reason', 'disk'] : [];
      const { code } = mirror(command, ...options, id);
      expect([command, code]).toEqual([command, expect.toBeOneOf([0, 66, 74, 75])]);
    }
  },
);

test('a daemon serves its clients, and ends, with odd files in its state', async () => {
  for (const [id, place] of Object.entries(PLACES)) plantAt(place(site.layout, id), 'FIFO');
  const daemon = site.daemon();
  await daemon.event('started');
  await until(() => existsSync(site.layout.controlSocket), 'the control socket');
  const clients = await Promise.all(
    [1, 2, 3].map(() => MirrorClient.connect({ path: site.layout.controlSocket })),
  );
  const answers = await Promise.all(clients.map((client) => client.status([])));
  for (const client of clients) client.close();
  expect(answers[0]?.packages.find(({ id }) => id === 'state')?.status).toBe('unreadable');
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test.each(['FIFO', 'directory', 'link to a device'])(
  'a %s in the place of a file of all packages',
  (kind) => {
    const { layout } = site;
    // Whatever lies there says that there is something to publish.
    plantAt(layout.dirtyMarker, kind);
    expect(mirror('run', '--here', 'stop').code).toBe(0);
    expect(publishedAs('stop')).toBe('ACTIVE');
    expect(existsSync(layout.dirtyMarker)).toBe(false);
    plantAt(`${layout.state}/stat.json`, 'FIFO');
    expect(mirror('publish').code).toBe(0);
    expect(publishedAs('stop')).toBe('ACTIVE');

    plantAt(layout.publishLock, kind);
    expect(mirror('status', '--check')).toMatchObject({
      code: 2,
      stdout: expect.stringContaining(layout.publishLock) as string,
    });
    expect(mirror('publish')).toMatchObject({
      code: 73,
      stderr: expect.stringContaining(layout.publishLock) as string,
    });
    // A sync does not fail for it.
    expect(mirror('run', '--here', 'stop').code).toBe(0);
  },
);

test.each(Object.keys(KINDS))('a %s in the place of the directory of states', (kind) => {
  if (kind === 'directory') return;
  plantAt(`${site.layout.state}/state`, kind);
  expect(mirror('status', '--check')).toMatchObject({
    code: 2,
    stdout: expect.stringContaining(`${site.layout.state}/state is not a directory`) as string,
  });
  expect(mirror('status').stderr).toContain(`${site.layout.state}/state`);
  expect(mirror('run', '--here', 'stop').code).toBe(74);
  expect(mirror('publish').code).toBe(0);
});
