import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { writeFileList } from '../support/file-list.js';
import { freePort, startRsyncd } from '../support/rsyncd.js';
import { toolGroup } from '../run/fixture.js';
import { proxy, put, rsyncd, serveUpstream, site, throughProxy, touch, upstream } from './rsync-upstream.js';

/** What networks, upstreams and disks do to a sync by lists. */
const LIST = 'fullfiletimelist-epel';
const root = process.getuid?.() === 0;

serveUpstream(
  {
    epel: {},
    locked: { 'auth users': 'tier1', 'secrets file': 'SECRETS' },
    nobody: root ? { uid: 'nobody', gid: 'nogroup' } : {},
  },
  { tier1: 'correct' },
);

beforeEach(() => {
  for (const name of readdirSync(upstream)) rmSync(join(upstream, name), { recursive: true });
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) put(`9/${name}.rpm`, `${name}\n`);
  publish();
});

function publish(spoil?: (text: string) => string): void {
  writeFileList(upstream, LIST, spoil === undefined ? {} : { spoil });
  touch(LIST);
}

async function apply(
  src: string | readonly string[],
  options: object = {},
  rest: object = {},
): Promise<void> {
  const settings = { src, options: { list: LIST, timeout: 2, contimeout: 2, ...options } };
  await site.apply({ epel: { ...rest, synctype: 'quick-fedora', settings } });
}

interface Ran {
  readonly code: number | null;
  readonly outcome: string | undefined;
  readonly failure: string | null | undefined;
  readonly reason: string | null | undefined;
}

async function ran(...args: string[]): Promise<Ran> {
  const { code } = await site.run('epel', ...args);
  const { last } = site.state('epel');
  return { code, outcome: last?.outcome, failure: last?.failure, reason: last?.reason };
}

const inDst = (path: string): string => readFileSync(join(site.dst('epel'), path), 'utf8');
const hasDst = (path: string): boolean => existsSync(join(site.dst('epel'), path));
const viaProxy = (): string => throughProxy('epel');

describe('one outcome, exit code and line for each', () => {
  test.each([
    [
      'an upstream that is gone',
      () => freePort().then((port) => `rsync://127.0.0.1:${String(port)}/epel`),
      69,
      'unavailable',
    ],
    ['a module that is gone', () => Promise.resolve(rsyncd.url('epl')), 77, 'auth'],
    ['a wrong password', () => Promise.resolve(rsyncd.url('locked', 'tier1')), 77, 'auth'],
  ])('%s', async (_, src, code, failure) => {
    await apply(await src(), { password: 'wrong' });
    const end = await ran();
    expect(end).toMatchObject({ code, outcome: 'failed', failure });
    expect(end.reason).toMatch(/\w/);
    expect(site.log('epel')).toContain(`failed (${failure})`);
    expect(hasDst(LIST)).toBe(false);
  });

  test('the right password syncs, and is nowhere to be read', async () => {
    await apply(rsyncd.url('locked', 'tier1'), { password: 'correct' });
    expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
    expect(site.log('epel')).not.toContain('correct');
  });

  test.each([
    ['is cut', 'cut'],
    ['goes silent', 'hang'],
  ] as const)('a connection that %s in the middle; the next run goes on', async (_, then) => {
    await apply(viaProxy());
    expect(await ran()).toMatchObject({ outcome: 'synced' });
    put('9/big.rpm', randomBytes(1 << 20));
    rmSync(join(upstream, '9/a.rpm'));
    publish();
    proxy.set({ after: 200_000, then });
    expect(await ran()).toMatchObject({ code: 69, outcome: 'failed', failure: 'unavailable' });
    expect(hasDst('9/a.rpm')).toBe(true);
    expect(inDst(LIST)).not.toContain('big.rpm');
    proxy.set(null);
    expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
    expect(site.log('epel')).toContain('what has changed');
    expect([hasDst('9/big.rpm'), hasDst('9/a.rpm')]).toEqual([true, false]);
    expect(inDst(LIST)).toBe(readFileSync(join(upstream, LIST), 'utf8'));
  });

  test.skipIf(!root)('a file that upstream does not let be read (as root only)', async () => {
    await apply(rsyncd.url('nobody'));
    expect(await ran()).toMatchObject({ outcome: 'synced' });
    put('9/secret.rpm', 'secret\n');
    publish();
    chmodSync(join(upstream, '9/secret.rpm'), 0o600);
    const end = await ran();
    expect(end).toMatchObject({ code: 69, outcome: 'failed', failure: 'transfer' });
    expect(end.reason).toContain('Permission denied');
    expect(inDst(LIST)).not.toContain('secret.rpm');
  });

  test.skipIf(!MAY_MOUNT)('a full disk (as root only: it mounts one)', async () => {
    await onDisk(site.dst('epel'), 'size=256k', async () => {
      await apply(rsyncd.url('epel'), {}, { guard: { min_free: '4K' } });
      expect(await ran()).toMatchObject({ outcome: 'synced' });
      put('9/big.rpm', randomBytes(1 << 20));
      publish();
      expect(await ran()).toMatchObject({ code: 73, outcome: 'failed', failure: 'space' });
      expect(inDst(LIST)).not.toContain('big.rpm');
    });
  });
});

test('kill -9 after the transfer and before the list: the next run does the rest', async () => {
  await apply(rsyncd.url('epel'));
  expect(await ran()).toMatchObject({ outcome: 'synced' });
  const old = inDst(LIST);
  put('9/b.rpm', 'another b\n');
  rmSync(join(upstream, '9/a.rpm'));
  // A digest of a pipe to which nobody writes: the executor waits there.
  publish((text) => text.replace('[Checksums SHA1]\n', `[Checksums SHA1]\n${'0'.repeat(40)}\t9/pipe\n`));
  execFileSync('mkfifo', [join(site.dst('epel'), '9/pipe')]);
  const run = site.run('epel');
  while (inDst('9/b.rpm') !== 'another b\n') await new Promise((next) => setTimeout(next, 20));
  // Nothing but the pipe is left to wait for once rsync has ended.
  const running = site.state('epel').run;
  while (toolGroup(running) !== null) await new Promise((next) => setTimeout(next, 20));
  process.kill(running?.pid ?? NaN, 'SIGKILL');
  await run;
  expect([inDst(LIST) === old, hasDst('9/a.rpm')]).toEqual([true, true]);
  rmSync(join(site.dst('epel'), '9/pipe'));
  expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
  expect(site.log('epel')).toContain('what has changed');
  expect([inDst('9/b.rpm'), hasDst('9/a.rpm')]).toEqual(['another b\n', false]);
  expect(await ran()).toMatchObject({ outcome: 'unchanged' });
});

test('a second source neither deletes nor says what dst holds', async () => {
  const other = mkdtempSync(join(tmpdir(), 'mirror-epel-second-'));
  const second = await startRsyncd({ epel: { path: other } });
  try {
    await apply([viaProxy(), second.url('epel')]);
    expect(await ran()).toMatchObject({ outcome: 'synced' });
    mkdirSync(join(other, '9'));
    writeFileSync(join(other, '9/a.rpm'), 'an older a\n');
    proxy.set({ after: 0, then: 'cut' });
    expect(await ran()).toMatchObject({ code: 0, outcome: 'synced' });
    expect([inDst('9/a.rpm'), hasDst('9/b.rpm')]).toEqual(['an older a\n', true]);
    proxy.set(null);
    expect(await ran()).toMatchObject({ outcome: 'synced' });
    expect(inDst('9/a.rpm')).toBe('a\n');
  } finally {
    await second.stop();
    rmSync(other, { recursive: true });
  }
});

test('says beforehand what it would do', async () => {
  await apply(rsyncd.url('epel'));
  const { stdout } = await site.mirror('run', '--dry-run', 'epel');
  expect(stdout).toContain('unless the lists are the same: rsync');
  expect(stdout).toContain('delete what');
  const transfer = await site.mirror('run', '--dry-run', '--transfer', 'epel');
  expect(transfer.stdout).toMatch(/6 to add \(12 bytes\), 0 to change \(0 bytes\), 0 to delete/);
  const { stdout: explained } = await site.mirror(
    'explain',
    'epel',
    '-c',
    join(site.root, 'etc/config.json'),
  );
  expect(explained).toContain(`fetch ${LIST} and end here`);
});
