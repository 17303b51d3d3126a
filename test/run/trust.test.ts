import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pruneLogs } from '../../src/run/log-pruning.js';
import { emptyState } from '../../src/state/package-state.js';
import type { RunRecord } from '../../src/state/package-state.js';
import { ENTRY, install, tree } from './fixture.js';
import type { Installation } from './fixture.js';

const root = process.getuid?.() === 0;
let site: Installation;

beforeAll(() => void (site = install()));
afterAll(() => site.remove());

describe('a job file', () => {
  test('that does not exist, or whose name leads elsewhere, is no package', async () => {
    expect((await site.run('nothing')).code).toBe(66);
    expect((await site.run('../../../etc/passwd')).code).toBe(66);
  });

  test('of another format, or broken, asks for apply', async () => {
    for (const text of ['{"format": "mirror/job/0"}', 'null', '{"form']) {
      writeFileSync(site.layout.job('other'), text);
      const { code, stderr } = await site.run('other');
      expect({ code, stderr }).toMatchObject({
        code: 78,
        stderr: expect.stringContaining('mirror apply') as string,
      });
    }
  });

  test.skipIf(!root)('that somebody else may write is not run by root', async () => {
    site.job('theirs');
    chmodSync(site.layout.job('theirs'), 0o664);
    expect((await site.run('theirs')).code).toBe(77);
    chmodSync(site.layout.job('theirs'), 0o644);
    expect((await site.run('theirs')).code).toBe(0);
    chownSync(site.layout.job('theirs'), 65534, 65534);
    expect((await site.run('theirs')).code).toBe(77);
  });
});

describe('--root', () => {
  test('refuses a dst outside, also behind a symbolic link', async () => {
    site.job('outside', { dst: '/tmp' });
    expect((await site.run('outside')).code).toBe(78);
    symlinkSync('/tmp', join(site.root, 'srv/link'));
    site.job('linked', { dst: join(site.root, 'srv/link/x') });
    expect((await site.run('linked')).code).toBe(78);
  });

  test('refuses a log folder outside, and publishes nothing there', async () => {
    const { log } = site.job('logs');
    site.job('logs', { log: { ...log, base: join(site.root, 'srv/link/logs') } });
    const { code, stderr } = await site.run('logs');
    expect({ code, stderr }).toEqual({
      code: 78,
      stderr: `mirror: logs: the log folder ${site.root}/srv/link/logs is outside --root ${site.root}\n`,
    });
    site.job('logs');
    const elsewhere = mkdtempSync(join(tmpdir(), 'mirror-live-'));
    rmSync(join(site.root, 'www'), { recursive: true });
    symlinkSync(elsewhere, join(site.root, 'www'));
    await site.run('logs');
    expect(readdirSync(elsewhere)).toEqual([]);
    rmSync(elsewhere, { recursive: true });
    rmSync(join(site.root, 'www'));
    mkdirSync(join(site.root, 'www'));
  });
});

test.skipIf(!root)('a run by somebody who may not write the state is a matter for a person', () => {
  site.job('foreign');
  chmodSync(join(site.root, '..'), 0o755);
  const argv = [ENTRY, 'run', '--root', site.root, 'foreign'];
  const { status, stderr } = spawnSync(process.execPath, argv, {
    encoding: 'utf8',
    uid: 65_534,
    gid: 65_534,
  });
  expect({ status, stderr }).toEqual({ status: 77, stderr: expect.stringContaining('EACCES') as string });
  expect(stderr).not.toContain('bug');
});

test('a log is not written through a symbolic link that the mirror user could plant for root', async () => {
  const { log } = site.job('planted');
  site.job('planted', { log: { ...log, folder: '', filename: '{packageid}.log' } });
  const target = join(site.root, 'target');
  mkdirSync(log.base, { recursive: true });
  symlinkSync(target, join(log.base, 'planted.log'));
  expect((await site.run('planted')).code).toBe(74);
  expect(site.state('planted').last?.reason).toContain('is a link, which is not followed');
  expect(existsSync(target)).toBe(false);
});

test('a local package is what it is: there, or not', async () => {
  site.job('own', { method: 'local' });
  expect(await site.run('own')).toMatchObject({ code: 0 });
  expect(site.state('own').last).toMatchObject({ outcome: 'synced', transfer: null });
});

test('a tool sees the job’s environment and nothing of ours', async () => {
  const argv = ['sh', '-c', 'env | sort > env.txt; umask >> env.txt'];
  const step = { kind: 'exec', tool: 'command', argv, env: { MIRROR_ID: 'tool' } } as const;
  site.job('tool', {
    attempts: [{ src: 'x', upstream: null, steps: [step] }],
    env: { LANG: 'en', MIRROR_ID: 'another' },
    prefix: ['nice', '-n', '5'],
  });
  const args = ['run', '--root', site.root, 'tool'];
  expect((await site.start(args, { SECRET_OF_ADMIN: 'x', HOME: '/home/x' }).ended).code).toBe(0);
  const env = readFileSync(join(site.dst('tool'), 'env.txt'), 'utf8');
  expect(env.split('\n').map((line) => line.split('=')[0])).toEqual(
    expect.arrayContaining(['HOME', 'LANG', 'LC_ALL', 'MIRROR_ID', 'MIRROR_RUN', 'PATH']),
  );
  expect(env).not.toContain('SECRET_OF_ADMIN');
  // What a method sets is not the config's to change.
  expect(env).toMatch(/^MIRROR_ID=tool$/m);
});

test('how a tool ended is told from its own words, not from those of the one before', async () => {
  const exec = (tool: 'command' | 'rsync', text: string) =>
    ({ kind: 'exec', tool, argv: ['sh', '-c', text] }) as const;
  const steps = [
    exec('command', 'echo "rsync: write failed: No space left on device (28)"'),
    exec('rsync', 'echo gone; exit 12'),
  ];
  site.job('second', { attempts: [{ src: 'x', upstream: null, steps }] });
  expect((await site.run('second')).code).toBe(69);
  expect(site.state('second').last).toMatchObject({ failure: 'unavailable' });
});

test('a tool that is not there needs a person, and is not tried again', async () => {
  const step = { kind: 'exec', tool: 'command', argv: ['no-such-tool'] } as const;
  const retry = { delay: 1, attempts: 3, max_delay: 1 };
  site.job('toolless', { attempts: [{ src: 'x', upstream: null, steps: [step] }], retry });
  expect((await site.run('toolless', '--scheduled')).code).toBe(78);
  expect(site.history('toolless')).toHaveLength(1);
  expect(site.state('toolless').last?.reason).toBe('cannot start no-such-tool: spawn no-such-tool ENOENT');
});

describe('console lines', () => {
  const failing = { kind: 'exec', tool: 'command', argv: ['false'] } as const;
  const attempts = [{ src: 'x', upstream: null, steps: [failing] }];

  test('follow the site’s format on a terminal or in cron’s mail', async () => {
    site.job('plain', { attempts });
    const { stderr, stdout } = await site.run('plain', '--scheduled');
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]\[plain\] ERROR # failed \(tool\): command failed \(exit 1\) \(\d\.\d s\)\n$/,
    );
  });

  test('carry priorities in the journal, and only there', () => {
    site.job('journal', { attempts });
    const path = join(site.root, 'stderr');
    const fd = openSync(path, 'w');
    const { dev, ino } = statSync(path);
    const argv = [ENTRY, 'run', '--root', site.root, '--scheduled', 'journal'];
    for (const JOURNAL_STREAM of [`${dev}:${ino}`, '8:1']) {
      if (JOURNAL_STREAM === '8:1') site.slotComes('journal');
      spawnSync(process.execPath, argv, {
        env: { ...process.env, JOURNAL_STREAM },
        stdio: ['ignore', 'ignore', fd],
      });
    }
    const [journal, inherited] = readFileSync(path, 'utf8').split('\n');
    expect(journal).toMatch(/^<3>journal: failed \(tool\): command failed \(exit 1\) \(\d\.\d s\)$/);
    expect(inherited).toMatch(/^\[.*ERROR # failed/);
  });
});

describe('logs', () => {
  const day = 86_400_000;
  const now = 100 * day;
  const keep = { ok: 30 * 86_400, failed: 90 * 86_400, unchanged: 0, total: 100 };
  const record = (log: string, outcome: RunRecord['outcome'], ended: number): RunRecord =>
    ({ outcome, ended, log }) as RunRecord;
  const kept = (directory: string, names: string[]): string[] =>
    names.filter((name) => statSync(join(directory, name), { throwIfNoEntry: false }));

  test('are removed when they are older than their kind is kept, except those that the state names', () => {
    const names = ['old-ok', 'old-failed', 'older-failed', 'fresh', 'named', 'named-error'];
    const directory = tree(join(site.root, 'logs1'), Object.fromEntries(names.map((name) => [name, 'x'])));
    const at = (name: string): string => join(directory, name);
    const history = [
      record(at('older-failed'), 'failed', now - 91 * day),
      record(at('named-error'), 'failed', now - 91 * day),
      record(at('named'), 'synced', now - 80 * day),
      record(at('old-ok'), 'synced', now - 31 * day),
      record(at('old-failed'), 'failed', now - 31 * day),
      record(at('fresh'), 'synced', now - day),
    ];
    const named = { last_success_log: at('named'), last_error_log: at('named-error') };
    pruneLogs(keep, { ...emptyState('x'), ...named }, history, now);
    expect(kept(directory, names)).toEqual(['old-failed', 'fresh', 'named', 'named-error']);
  });

  test('are looked through by the first run in another quarter of a day', async () => {
    site.job('quarters');
    await site.run('quarters');
    const log = join(site.root, 'log/forgotten.log');
    writeFileSync(log, 'x');
    const { last, ...state } = site.state('quarters');
    const old = { ...last, ended: Date.now() - 200 * day, log };
    writeFileSync(site.layout.historyFile('quarters'), `${JSON.stringify(old)}\n`);
    const changed = { ...state, last: { ...old, log: null } };
    writeFileSync(site.layout.stateFile('quarters'), JSON.stringify(changed));
    await site.run('quarters');
    expect(existsSync(log)).toBe(false);
  });

  test('are removed, oldest first, beyond the total', () => {
    const names = ['a', 'b', 'c'];
    const directory = tree(join(site.root, 'logs2'), {
      ...Object.fromEntries(names.map((name) => [name, 'x'.repeat(45)])),
      'a.gz.tmp': 'half of a compressed one, left by a kill -9',
    });
    const history = names.map((name, i) => record(join(directory, name), 'synced', now - 10 + i));
    pruneLogs(keep, emptyState('x'), history, now);
    expect(kept(directory, [...names, 'a.gz.tmp'])).toEqual(['b', 'c']);
  });
});

describe.skipIf(!root)('as root, without --root', () => {
  test('a run becomes the package’s user before it opens a lock, a log or a state', () => {
    // The live paths belong to the host: a mount namespace of its own gives this run others.
    const script = [
      'accounts=$(mktemp -d); cp /etc/passwd /etc/group /etc/nsswitch.conf "$accounts"',
      'mount -t tmpfs tmpfs /var/lib && mount -t tmpfs tmpfs /etc && mv "$accounts"/* /etc && rmdir "$accounts"',
      'mkdir -p /etc/mirror/compiled/jobs',
      'for d in state baseline hold request stop locks marker waiting history; do mkdir -p /var/lib/mirror/$d; done',
      'mkdir -p /var/lib/mirror/dst /var/lib/mirror/log; chown -R 65534:65534 /var/lib/mirror',
      'cp "$JOB" /etc/mirror/compiled/jobs/drop.json; cp "$SITE" /etc/mirror/compiled/site.json',
      '"$NODE" "$ENTRY" run drop; echo "exit $?"',
      'stat -c "%U %n" /var/lib/mirror/*/* ; cat /var/lib/mirror/dst/who',
    ].join('\n');
    const argv = ['sh', '-c', 'id > who; umask >> who; grep Groups /proc/self/status >> who'];
    const step = { kind: 'exec', tool: 'command', argv } as const;
    const job = site.job('drop', {});
    const changed = {
      ...job,
      dst: '/var/lib/mirror/dst',
      attempts: [{ src: 'x', upstream: null, steps: [step] }],
      run_as: { user: 'nobody', group: 'nogroup', shared_group: 12_345, umask: '0027' },
      log: { ...job.log, base: '/var/lib/mirror/log', folder: '', filename: 'log' },
    };
    mkdirSync(join(site.root, 'drop'));
    writeFileSync(join(site.root, 'drop/job.json'), JSON.stringify(changed));
    const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        NODE: process.execPath,
        ENTRY,
        JOB: join(site.root, 'drop/job.json'),
        SITE: site.layout.siteFile,
      },
    });
    expect(stdout, stderr).toContain('drop: synced');
    expect(stdout).toContain('exit 0\n');
    expect(stdout).toContain('uid=65534(nobody) gid=65534(nogroup)');
    expect(stdout).toMatch(/^0027$/m);
    expect(stdout).toMatch(/^Groups:.*\b12345\b/m);
    expect(stdout).toMatch(/^nobody \/var\/lib\/mirror\/locks\/run-drop$/m);
    expect(stdout).not.toMatch(/^root /m);
  });
});
