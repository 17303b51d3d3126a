import { execFileSync } from 'node:child_process';
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
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startFaultProxy } from '../support/fault-proxy.js';
import { freePort, startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { onPath } from '../support/tools.js';
import { methodSite } from './site.js';
import type { MethodSite } from './site.js';

const PASSWORD = "correct 'horse' $HOME";
const ROOT = process.getuid?.() === 0;
const suite = describe.skipIf(!onPath('ftpsync'));
const upstream = mkdtempSync(join(tmpdir(), 'mirror-ftpsync-'));
/** Added to the environment of every command: a push's words are there. */
const env: Record<string, string> = {};
let site: MethodSite;
let rsyncd: Rsyncd;

function put(path: string, text: string, mode = 0o644): void {
  const file = join(upstream, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

/** An archive as Debian's are laid out, with one version of one package. */
function publish(version: string): void {
  rmSync(upstream, { recursive: true, force: true });
  mkdirSync(upstream);
  put('dists/stable/Release', `Suite: stable\nVersion: ${version}\n`);
  for (const arch of ['amd64', 'arm64']) {
    put(`dists/stable/main/binary-${arch}/Packages`, `Package: hello\nVersion: ${version}\n`);
    put(`pool/main/h/hello/hello_${version}_${arch}.deb`, `${arch} ${version} `.repeat(20_000));
  }
  put('project/trace/master', 'Mon Nov 23 02:05:09 UTC 2026\nArchive serial: 2026112301\n');
}

/** A package `debian` of the loopback's daemon; `changes` is what a test says differently. */
function debian(settings: object = {}, changes: object = {}): Record<string, object> {
  const src = rsyncd.url('debian');
  return { debian: { synctype: 'ftpsync', ...changes, settings: { src, ...settings } } };
}

function mirrored(path: string): string | null {
  const file = join(site.dst('debian'), path);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

function trace(): string {
  return mirrored('project/trace/mirror.test') ?? '';
}

async function push(words: string): Promise<number | null> {
  env.SSH_ORIGINAL_COMMAND = words;
  try {
    return (await site.mirror('push', '--wait', '--debounce', 'PT0S', 'debian')).code;
  } finally {
    delete env.SSH_ORIGINAL_COMMAND;
  }
}

beforeAll(async () => {
  rsyncd = await startRsyncd(
    {
      debian: { path: upstream },
      private: { path: upstream, options: { 'auth users': 'me', 'secrets file': 'SECRETS' } },
      nobody: { path: upstream, options: { uid: 'nobody', gid: 'nogroup' } },
    },
    { me: PASSWORD },
  );
});

beforeEach(() => {
  site = methodSite(env);
  publish('1.0');
  return () => site.remove();
});

afterAll(async () => {
  await rsyncd.stop();
  rmSync(upstream, { recursive: true, force: true });
});

suite('a sync by ftpsync (needs the package ftpsync)', () => {
  test('brings the archive, leaves its own trace, and removes later what is gone upstream', async () => {
    await site.apply(debian({ options: { country: 'KR', maintainer: "Mirror <m@example.org>, it's us" } }), {
      ftpsync: { sponsor: 'Example "University"', country: 'DE', throughput: '10Gb' },
    });
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(mirrored('dists/stable/Release')).toContain('Version: 1.0');
    expect(mirrored('pool/main/h/hello/hello_1.0_amd64.deb')).toHaveLength(10 * 20_000);
    for (const line of [
      'Running on host: mirror.test',
      "Maintainer: Mirror <m@example.org>, it's us",
      'Sponsor: Example "University"',
      'Country: KR',
      'Throughput: 10Gb',
      'Trigger: manual',
      'Archive serial: 2026112301',
      'Upstream-mirror: 127.0.0.1',
    ])
      expect(trace()).toContain(`${line}\n`);
    const { last } = site.state('debian');
    expect(last?.transfer).toMatchObject({ transferred_files: 6, deleted: 0 });
    expect(last?.transfer?.transferred_bytes).toBeGreaterThan(400_000);
    expect(readdirSync(site.dst('debian')).sort()).toEqual(['dists', 'pool', 'project']);
    expect(existsSync(join(site.root, 'var/lib/mirror/work/debian'))).toBe(false);

    publish('1.1');
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(readdirSync(join(site.dst('debian'), 'pool/main/h/hello'))).toEqual([
      'hello_1.1_amd64.deb',
      'hello_1.1_arm64.deb',
    ]);
    expect(trace()).toContain('mirror.test');
    expect(site.state('debian').last?.transfer?.deleted).toBeGreaterThanOrEqual(2);
  });

  test("puts ftpsync's log and rsync's into the run's log", async () => {
    await site.apply(debian());
    await site.run('debian');
    const log = site.log('debian');
    expect(log).toContain('Mirrorsync start');
    expect(log).toContain('pool/main/h/hello/hello_1.0_amd64.deb');
    expect(log.indexOf('Number of files')).toBeLessThan(log.indexOf('Mirrorsync done'));
  });

  test('keeps its logs in `logdir`, and one run does not speak for another', async () => {
    const logdir = join(site.root, 'log/ftpsync');
    await site.apply(debian({ options: { logdir, path: 'no-such-module' } }));
    expect(await site.run('debian')).toMatchObject({ code: 77 });
    await site.apply(debian({ options: { logdir } }));
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(site.log('debian')).not.toContain('Unknown module');
    expect(readdirSync(logdir)).toEqual(expect.arrayContaining(['debian.log.0', 'debian.log.1']));
  });

  test('takes one architecture and the keys of ftpsync.conf', async () => {
    await site.apply(
      debian({ options: { arch_include: 'amd64', extra: { EXCLUDE: '--exclude=/dists/stable/Release' } } }),
    );
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(readdirSync(join(site.dst('debian'), 'pool/main/h/hello'))).toEqual(['hello_1.0_amd64.deb']);
    expect(trace()).toContain('Architectures-Configuration: INCLUDE amd64');
    expect(mirrored('dists/stable/Release')).toBeNull();
  });
});

suite('a push for ftpsync (needs the package ftpsync)', () => {
  const pushed = debian.bind(null, {}, { syncrate: 'PUSH' });

  test('syncs the stage that it names: packages first, then their index', async () => {
    await site.apply(pushed(), { scheduler: 'crontab' });
    expect(await push('sync:archive:debian sync:stage1 rm sync:stage2;reboot')).toBe(0);
    expect(mirrored('pool/main/h/hello/hello_1.0_amd64.deb')).not.toBeNull();
    expect(mirrored('dists/stable/Release')).toBeNull();
    const { last, last_success } = site.state('debian');
    expect(last).toMatchObject({ outcome: 'incomplete', trigger: 'push' });
    expect(last?.reason).toContain('stage 1 only');
    expect(last_success).toBeNull();

    expect(await push('sync:archive: sync:stage2')).toBe(0);
    expect(mirrored('dists/stable/Release')).toContain('Version: 1.0');
    expect(site.state('debian').last?.outcome).toBe('synced');
    expect(trace()).toContain('Trigger: ssh\n');
    expect(site.log('debian')).not.toContain('Running stage1');
  });

  test('without a stage syncs all', async () => {
    await site.apply(pushed(), { scheduler: 'crontab' });
    expect(await push('sync:all')).toBe(0);
    expect(mirrored('dists/stable/Release')).toContain('Version: 1.0');
  });
});

suite('a password of ftpsync (needs the package ftpsync)', () => {
  /** rsync behind a script that writes down what other users of the host could see of it. */
  function watchedRsync(): string {
    const script = join(site.root, 'watched-rsync');
    const seen = join(site.root, 'seen');
    writeFileSync(
      script,
      `#!/bin/sh\ntr '\\0' '\\n' </proc/$$/environ >>${seen}\necho "$*" >>${seen}\nexec rsync "$@"\n`,
      { mode: 0o755 },
    );
    return script;
  }

  test('reaches rsync, but neither its argv, its environment, a log nor a file that stays', async () => {
    const options = { user: 'me', password: PASSWORD, extra: { RSYNC: watchedRsync() } };
    await site.apply(debian({ src: rsyncd.url('private'), options }));
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(mirrored('dists/stable/Release')).toContain('Version: 1.0');
    const seen = readFileSync(join(site.root, 'seen'), 'utf8');
    expect(seen).toContain('--password-file=');
    for (const text of [seen, site.log('debian')]) expect(text).not.toContain('horse');
    const found = execFileSync('grep', ['-rlF', 'horse', site.root], { encoding: 'utf8' });
    // The config that it was written in, and where apply keeps it for root alone.
    expect(found.trim().split('\n').sort()).toEqual([
      join(site.root, 'etc/config.json'),
      join(site.root, 'etc/mirror/secrets/debian.password'),
    ]);
  });

  test('that is wrong ends the run as one that needs a person', async () => {
    const options = { user: 'me', password: 'wrong' };
    await site.apply(debian({ src: rsyncd.url('private'), options }));
    expect(await site.run('debian')).toMatchObject({ code: 77 });
    const { last } = site.state('debian');
    expect(last).toMatchObject({ outcome: 'failed', failure: 'auth' });
    expect(last?.reason).toContain('@ERROR: auth failed on module private');
    expect(site.log('debian')).toContain('ERROR # failed (auth): refused by upstream');
  });
});

suite('a failure of ftpsync (needs the package ftpsync)', () => {
  async function fails(settings: object, changes: object = {}): Promise<readonly [number | null, string]> {
    await site.apply(debian(settings, changes));
    const { code } = await site.run('debian');
    const { last } = site.state('debian');
    return [code, `${String(last?.failure ?? last?.outcome)}: ${last?.reason ?? ''}`];
  }

  test('upstream is gone: the next source is taken, and deletes nothing', async () => {
    const dead = `rsync://127.0.0.1:${String(await freePort())}/debian`;
    expect(await fails({ src: dead })).toEqual([
      69,
      expect.stringMatching(/^unavailable: connection to upstream failed \(exit 3\): .*Connection refused/),
    ]);
    writeFileSync(join(site.dst('debian'), 'ours'), 'only here\n');
    await site.apply(debian({ src: [dead, rsyncd.url('debian')] }));
    expect(await site.run('debian')).toMatchObject({ code: 0 });
    expect(mirrored('dists/stable/Release')).toContain('Version: 1.0');
    expect(mirrored('ours')).toBe('only here\n');
    expect(trace()).toContain('Upstream-mirror: 127.0.0.1');
  });

  test('the connection is cut, or nothing more comes', async () => {
    const proxy = await startFaultProxy(rsyncd.port);
    try {
      const src = `rsync://127.0.0.1:${String(proxy.port)}/debian`;
      proxy.set({ after: 100_000, then: 'cut' });
      expect(await fails({ src })).toEqual([69, expect.stringMatching(/^unavailable: .*connection/)]);
      proxy.set({ after: 100_000, then: 'hang' });
      const RSYNC_OPTIONS = '-rltvH --timeout=1 --stats --no-human-readable';
      expect(await fails({ src, options: { extra: { RSYNC_OPTIONS } } })).toEqual([
        69,
        expect.stringMatching(/^unavailable: .*timeout/),
      ]);
    } finally {
      await proxy.stop();
    }
  });

  test.each([
    ['no such module', { path: 'none' }, 77, /^auth: refused by upstream .*Unknown module/],
    ['an option that rsync does not know', { extra: { RSYNC_EXTRA: '--nonsense' } }, 78, /^config: /],
    ['a hook that fails', { extra: { HOOK1: 'false' } }, 1, /^tool: a hook of ftpsync failed/],
    ['no rsync', { extra: { RSYNC: '/nonexistent/rsync' } }, 78, /^config: .*No such file/],
  ])('%s', async (_, options, code, reason) => {
    expect(await fails({ options })).toEqual([code, expect.stringMatching(reason)]);
  });

  test('upstream is being updated: no index, and no success', async () => {
    put('Archive-Update-in-Progress-master', '');
    expect(await fails({ options: { extra: { UIPSLEEP: 0, UIPRETRIES: 1 } } })).toEqual([
      69,
      expect.stringMatching(/^unavailable: upstream is being updated .*retried 1 times/),
    ]);
    expect(mirrored('dists/stable/Release')).toBeNull();
  });

  test('another ftpsync works in the directory', async () => {
    mkdirSync(site.dst('debian'), { recursive: true });
    const lock = join(site.dst('debian'), 'Archive-Update-in-Progress-mirror.test');
    writeFileSync(lock, `${String(process.pid)}\n`);
    expect(await fails({})).toEqual([1, expect.stringMatching(/^tool: another ftpsync is at work/)]);
    expect(existsSync(lock)).toBe(true);
    // Of a process that is gone: a run that was killed left it.
    writeFileSync(lock, '4194305\n');
    expect(await site.run('debian')).toMatchObject({ code: 0 });
  });

  test('more would be deleted than the guard allows: blocked until a person says so', async () => {
    expect(await fails({})).toMatchObject([0, 'synced: ']);
    rmSync(upstream, { recursive: true });
    mkdirSync(upstream);
    const { code } = await site.run('debian');
    expect(code).toBe(77);
    const blocked = site.state('debian');
    expect(blocked.last).toMatchObject({ outcome: 'blocked' });
    expect(blocked.blocked?.limit).toBeGreaterThan(0);
    expect(
      mirrored('pool/main/h/hello/hello_1.0_amd64.deb') ?? mirrored('dists/stable/Release'),
    ).not.toBeNull();

    expect((await site.run('debian')).code).toBe(77);
    expect(site.state('debian').last?.log).not.toBe(blocked.last?.log);
    expect(await site.run('debian', '--allow-deletes', '1000')).toMatchObject({ code: 0 });
    expect(mirrored('dists/stable/Release')).toBeNull();
  });

  test.skipIf(!ROOT)('upstream may not read a file (needs root: the daemon runs as nobody)', async () => {
    put('pool/main/h/hello/secret.deb', 'x', 0o600);
    expect(await fails({ src: rsyncd.url('nobody') })).toEqual([
      69,
      expect.stringMatching(/^transfer: some files were not transferred .*secret\.deb.*Permission denied/),
    ]);
    expect(mirrored('dists/stable/Release')).toBeNull();
  });

  describe.skipIf(!ROOT)('of the disk (needs root: mounts)', () => {
    function mounted(options: string): void {
      mkdirSync(site.dst('debian'), { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'mirror-test', site.dst('debian')]);
    }

    beforeEach(() => () => execFileSync('umount', [site.dst('debian')]));

    test('full', async () => {
      mounted('size=128k');
      expect(await fails({}, { guard: { min_free: '0' } })).toEqual([
        73,
        expect.stringMatching(/^space: no space left .*No space left on device/),
      ]);
    });

    test('read-only', async () => {
      mounted('ro');
      expect(await fails({}, { guard: { min_free: '0' } })).toEqual([
        74,
        expect.stringMatching(/^io: local trouble .*Read-only file system/),
      ]);
    });
  });
});
