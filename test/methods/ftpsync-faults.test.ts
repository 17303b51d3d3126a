import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { freePort } from '../support/rsyncd.js';
import {
  ROOT,
  suite,
  upstream,
  site,
  rsyncd,
  put,
  publish,
  debian,
  mirrored,
  trace,
} from './ftpsync-archive.js';

suite('a failure of ftpsync (needs the package ftpsync)', () => {
  async function fails(
    settings: object = {},
    changes: object = {},
  ): Promise<readonly [number | null, string]> {
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

  test('upstream has no files, at first and later, as the only source and as the next one', async () => {
    const empty = (): void => {
      rmSync(upstream, { recursive: true });
      mkdirSync(upstream);
    };
    const nothing = [69, 'transfer: upstream lists no files'];
    empty();
    expect(await fails()).toEqual(nothing);
    publish('1.0');
    expect(await fails()).toEqual([0, 'synced: ']);
    empty();
    const dead = `rsync://127.0.0.1:${String(await freePort())}/debian`;
    expect(await fails({ src: [dead, rsyncd.url('debian')] })).toEqual(nothing);
    expect(mirrored('dists/stable/Release')).toContain('Version: 1.0');
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

  test('the site names architectures to take and to leave out', async () => {
    await site.apply(debian(), { ftpsync: { include: 'amd64', exclude: 'arm64' } });
    expect(await site.run('debian')).toMatchObject({ code: 78 });
    expect(site.state('debian').last?.reason).toContain(
      'ARCH_EXCLUDE and ARCH_INCLUDE are mutually exclusive',
    );
  });

  test('upstream is being updated: no index, and no success', async () => {
    put('Archive-Update-in-Progress-master', '');
    expect(await fails({ options: { extra: { UIPSLEEP: 0, UIPRETRIES: 1 } } })).toEqual([
      69,
      expect.stringMatching(/^unavailable: upstream is being updated .*retried 1 times/),
    ]);
    expect(mirrored('dists/stable/Release')).toBeNull();
  });

  test('the marker of a dead run goes, whatever process has its number now', async () => {
    mkdirSync(site.dst('debian'), { recursive: true });
    const marker = join(site.dst('debian'), 'Archive-Update-in-Progress-mirror.test');
    for (const pid of [process.pid, 1, 4_194_305]) {
      writeFileSync(marker, `${String(pid)}\n`);
      expect(await fails({})).toEqual([0, 'synced: ']);
      expect(existsSync(marker)).toBe(false);
    }
  });

  test('an ftpsync that a person has started keeps its marker', async () => {
    mkdirSync(site.dst('debian'), { recursive: true });
    const marker = join(site.dst('debian'), 'Archive-Update-in-Progress-mirror.test');
    const script = join(site.root, 'ftpsync');
    writeFileSync(script, '#!/bin/bash\nread -r _\n', { mode: 0o755 });
    const person = spawn(script, [], { stdio: ['pipe', 'ignore', 'ignore'] });
    try {
      await vi.waitFor(() =>
        expect(readFileSync(`/proc/${String(person.pid)}/comm`, 'utf8')).toBe('ftpsync\n'),
      );
      writeFileSync(marker, `${String(person.pid)}\n`);
      expect(await fails({})).toEqual([1, expect.stringMatching(/^tool: another ftpsync is at work/)]);
      expect(existsSync(marker)).toBe(true);
    } finally {
      person.kill('SIGKILL');
    }
  });

  test('`mirror publish` removes the marker of a run that was killed', async () => {
    const proxy = await startFaultProxy(rsyncd.port);
    const marker = join(site.dst('debian'), 'Archive-Update-in-Progress-mirror.test');
    try {
      proxy.set({ after: 50_000, then: 'hang' });
      await site.apply(debian({ src: `rsync://127.0.0.1:${String(proxy.port)}/debian` }));
      const run = site.run('debian');
      await vi.waitFor(() => expect(existsSync(marker)).toBe(true), 20_000);
      const { pid } = site.state('debian').run ?? {};
      process.kill(pid ?? NaN, 'SIGKILL');
      killMarked(String(pid));
      await run;
      expect(existsSync(marker)).toBe(true);
      // A process that the tool started meanwhile would still hold the run lock.
      await vi.waitFor(async () => {
        killMarked(String(pid));
        await site.mirror('publish');
        expect(existsSync(marker)).toBe(false);
      }, 20_000);
    } finally {
      await proxy.stop();
    }
  });

  test('a hub whose archive is whole is a success, though its downstreams cannot be told', async () => {
    expect(await fails({ options: { hub: true, archive: 'debian' } })).toEqual([0, 'synced: ']);
    expect(site.state('debian').last?.omissions?.[0]?.text).toMatch(/^downstream mirrors were not told/);
    expect(trace()).not.toBe('');
  });

  test('more would be deleted than the guard allows: blocked until a person says so', async () => {
    expect(await fails({})).toMatchObject([0, 'synced: ']);
    rmSync(upstream, { recursive: true });
    put('README', 'The archive has moved\n');
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

  describe.skipIf(!MAY_MOUNT)('of the disk (needs root: mounts)', () => {
    test('full', async () => {
      await onDisk(site.dst('debian'), 'size=128k', async () => {
        expect(await fails({}, { guard: { min_free: '0' } })).toEqual([
          73,
          expect.stringMatching(/^space: no space left .*No space left on device/),
        ]);
      });
    });

    test('read-only', async () => {
      await onDisk(site.dst('debian'), 'ro', async () => {
        expect(await fails({}, { guard: { min_free: '0' } })).toEqual([
          74,
          expect.stringMatching(/^io: local trouble .*Read-only file system/),
        ]);
      });
    });
  });
});

/** Ends the tools of an executor, as a machine that loses power does. */
function killMarked(pid: string): void {
  for (const each of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${each}/environ`, 'latin1').split('\0');
      if (environment.some((word) => word.startsWith(`MIRROR_RUN=${pid}.`)))
        process.kill(Number(each), 'SIGKILL');
    } catch {
      // It has ended, or is another user's.
    }
  }
}
