import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Guard, Job } from '../../src/job/job.js';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { install, listing, manyFiles, tree } from './fixture.js';
import type { Installation } from './fixture.js';

const guard: Guard = { deletes: 3, ratio: 0.1, min_free: { bytes: 0 }, mount: null };
const root = process.getuid?.() === 0;

let site: Installation;
let daemon: Rsyncd;
let upstream: string;
const mounted: string[] = [];

beforeAll(async () => {
  site = install();
  upstream = tree(join(site.root, '../upstream'), {});
  daemon = await startRsyncd({ mirror: { path: upstream } });
});
afterAll(async () => {
  for (const path of mounted) execFileSync('umount', ['-l', path], { stdio: 'ignore' });
  await daemon.stop();
  site.remove();
});

function fresh(files: Record<string, string>): void {
  rmSync(upstream, { recursive: true });
  tree(upstream, files);
}

function tmpfs(path: string, size: string): void {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
  mounted.push(path);
}

function umount(path: string): void {
  execFileSync('umount', [path]);
  mounted.splice(mounted.indexOf(path), 1);
}

describe('the delete guard', () => {
  test('stops one run at its number and every later slot before it starts, until a person says how many', async () => {
    fresh(manyFiles(20));
    const job = { attempts: site.attempts('guarded', [daemon.url('mirror')]), guard };
    site.job('guarded', job);
    await site.run('guarded', '--scheduled');
    expect(listing(site.dst('guarded'))).toHaveLength(20);

    fresh(manyFiles(5));
    site.slotComes('guarded');
    expect((await site.run('guarded', '--scheduled')).code).toBe(77);
    const tripped = site.state('guarded');
    expect(tripped.blocked).toMatchObject({ limit: 3 });
    expect(tripped).toMatchObject({ errors: 1, last: { outcome: 'blocked', transfer: { deleted: 0 } } });
    expect(tripped.blocked?.reason).toMatch(
      /^the delete guard: 15 would be deleted, at most 3 may be, such as f\d+, f\d+, f\d+; if that is right: mirror run guarded --allow-deletes 15$/,
    );
    expect(listing(site.dst('guarded'))).toHaveLength(20);

    for (const errors of [2, 3]) {
      site.slotComes('guarded');
      expect((await site.run('guarded', '--scheduled')).code).toBe(77);
      expect(site.state('guarded')).toMatchObject({
        errors,
        last: { outcome: 'blocked', log: null, transfer: null },
      });
    }
    const { stdout } = await site.run('guarded');
    expect(stdout).toContain('mirror run guarded --allow-deletes N');
    // The site's clock where people read it, which is Seoul's without summer time; UTC where it is kept.
    const { blocked, last } = site.state('guarded');
    const since = (hours: number): string =>
      new Date((blocked?.since ?? NaN) + hours * 3_600_000).toISOString();
    expect(stdout).toContain(`since ${since(9).slice(0, 19).replace('T', ' ')} (`);
    expect(last?.reason).toContain(`since ${since(0)} (`);
    expect(listing(site.dst('guarded'))).toHaveLength(20);

    expect((await site.run('guarded', '--allow-deletes', '5')).code).toBe(77);
    expect(site.state('guarded').blocked).toMatchObject({ limit: 5 });
    expect(listing(site.dst('guarded'))).toHaveLength(20);
    expect((await site.run('guarded', '--allow-deletes', '15')).code).toBe(0);
    expect(site.state('guarded')).toMatchObject({ blocked: null, errors: 0 });
    expect(listing(site.dst('guarded'))).toHaveLength(5);
  });

  test('has its number even when the last word of the site takes the next one as its value', async () => {
    fresh(manyFiles(20));
    const options = { extra_args: ['--exclude'] };
    site.job('taken', { attempts: site.attempts('taken', [daemon.url('mirror')], { options }), guard });
    expect((await site.run('taken')).code).toBe(0);
    fresh(manyFiles(5));
    expect((await site.run('taken')).code).toBe(77);
    expect(listing(site.dst('taken'))).toHaveLength(20);
  });

  test('keeps a small mirror when upstream is empty', async () => {
    fresh(manyFiles(40));
    site.job('small', { attempts: site.attempts('small', [daemon.url('mirror')]) });
    await site.run('small');
    fresh({});
    expect((await site.run('small')).code).toBe(77);
    expect(listing(site.dst('small'))).toHaveLength(40);
  });

  test('counts what is there when a filled dst is adopted', async () => {
    fresh(manyFiles(2));
    site.job('adopted', { attempts: site.attempts('adopted', [daemon.url('mirror')]) });
    tree(site.dst('adopted'), { ...manyFiles(2), 'old/1': '', 'old/2': '', 'old/3': '' });
    expect((await site.run('adopted')).code).toBe(77);
    expect(site.state('adopted').blocked).toMatchObject({ limit: 3 });
  });

  test('counts what is there when dst is another one than was measured', async () => {
    fresh(manyFiles(5));
    site.job('elsewhere', { attempts: site.attempts('elsewhere', [daemon.url('mirror')]) });
    await site.run('elsewhere');
    const dst = site.dst('elsewhere-new');
    tree(dst, { ...manyFiles(5), 'old/1': '', 'old/2': '', 'old/3': '', 'old/4': '', 'old/5': '' });
    site.job('elsewhere', { dst, attempts: site.attempts('elsewhere-new', [daemon.url('mirror')]) });
    // Six entries too many of eleven: more than half.
    expect((await site.run('elsewhere')).code).toBe(77);
    expect(site.state('elsewhere').blocked).toMatchObject({ limit: 5 });
  });

  test.skipIf(!root)('trips even when rsync has a worse thing to report than the limit', async () => {
    fresh(manyFiles(20));
    const nobody = await startRsyncd({
      mirror: { path: upstream, options: { uid: 'nobody', gid: 'nogroup' } },
    });
    try {
      site.job('both', { attempts: site.attempts('both', [nobody.url('mirror')]), guard });
      await site.run('both');
      fresh(manyFiles(5));
      writeFileSync(join(upstream, 'unreadable'), 'x', { mode: 0o600 });
      expect((await site.run('both')).code).toBe(77);
      expect(site.state('both').last?.reason).toContain('15 would be deleted, at most 3 may be');
      expect(listing(site.dst('both'))).toHaveLength(20);
    } finally {
      await nobody.stop();
    }
  });
});

describe('a dst that is not what it was', () => {
  test('is not filled again when it is missing or empty', async () => {
    fresh(manyFiles(5));
    site.job('gone', { attempts: site.attempts('gone', [daemon.url('mirror')]) });
    await site.run('gone');
    rmSync(site.dst('gone'), { recursive: true });
    expect((await site.run('gone')).code).toBe(77);
    expect(site.state('gone').last).toMatchObject({ outcome: 'failed', failure: 'dst' });
    mkdirSync(join(site.dst('gone'), 'lost+found'), { recursive: true });
    const { stdout, code } = await site.run('gone', '--allow-deletes', '5');
    expect(code).toBe(77);
    expect(stdout).toContain('is empty, and it has been synced before');
    expect(listing(site.dst('gone'))).toEqual(['lost+found']);
  });

  test('is filled when it is the empty one that apply let the package move to, and only until it was', async () => {
    fresh(manyFiles(5));
    const attempts = (id: string): Job['attempts'] => site.attempts(id, [daemon.url('mirror')]);
    site.job('moves', { attempts: attempts('moves') });
    await site.run('moves');
    const dst = site.dst('moved');
    mkdirSync(dst, { recursive: true });
    site.job('moves', { dst, attempts: attempts('moved') });
    expect((await site.run('moves')).code).toBe(77);
    writeFileSync(site.layout.baselineFile('moves'), JSON.stringify({ at: 0, fresh_dst: dst }));
    expect((await site.run('moves')).code).toBe(0);
    expect(listing(dst)).toHaveLength(5);
    rmSync(dst, { recursive: true });
    mkdirSync(dst);
    expect((await site.run('moves')).code).toBe(77);
  });

  test('is filled where it is when apply --refetch says that its disk is new, and only once', async () => {
    fresh(manyFiles(5));
    site.job('disk', { attempts: site.attempts('disk', [daemon.url('mirror')]) });
    await site.run('disk');
    const empty = (): void => {
      rmSync(site.dst('disk'), { recursive: true });
      mkdirSync(site.dst('disk'));
    };
    empty();
    expect(await site.run('disk')).toMatchObject({
      code: 77,
      stdout: expect.stringContaining('if its disk is new: mirror apply --refetch') as string,
    });
    // The success before was recorded while the clock was wrong: only which one it is counts.
    const success = Date.now() + 86_400_000;
    const state = { ...site.state('disk'), last_success: success };
    writeFileSync(site.layout.stateFile('disk'), JSON.stringify(state));
    const allowed = { at: 0, fresh_dst: site.dst('disk'), fresh_after: success };
    writeFileSync(site.layout.baselineFile('disk'), JSON.stringify(allowed));
    expect((await site.run('disk')).code).toBe(0);
    expect(listing(site.dst('disk'))).toHaveLength(5);
    empty();
    expect((await site.run('disk')).code).toBe(77);
  });

  test('is not created for a package that was never synced', async () => {
    site.job('new', { attempts: site.attempts('new', [daemon.url('mirror')]) });
    rmSync(site.dst('new'), { recursive: true });
    const { stdout, code } = await site.run('new');
    expect(code).toBe(77);
    expect(stdout).toContain('`mirror apply` creates it');
  });

  test.skipIf(!root)('is left alone when its disk is not mounted', async () => {
    fresh(manyFiles(5));
    const disk = join(site.root, 'srv/disk');
    const dst = join(disk, 'arch');
    const attempts = site.attempts('disk/arch', [daemon.url('mirror')]);
    site.job('arch', { attempts, dst, guard: { ...guard, mount: disk } });
    mkdirSync(dst, { recursive: true });
    const { code, stdout } = await site.run('arch');
    expect({ code, stdout: stdout.replace(/\d+\.\d s/, 'N s') }).toEqual({
      code: 77,
      stdout: `arch: failed (dst): ${disk} is not mounted (N s)\nlog: ${site.state('arch').last?.log ?? ''}\n`,
    });
    expect(listing(dst)).toEqual([]);
    tmpfs(disk, '10m');
    mkdirSync(dst);
    expect((await site.run('arch')).code).toBe(0);
    umount(disk);
    expect((await site.run('arch')).code).toBe(77);
    expect(listing(dst)).toEqual([]);
  });

  test('is known by its file system; by an earlier version’s record of a device until a reboot only', async () => {
    fresh(manyFiles(5));
    site.job('booted', { attempts: site.attempts('booted', [daemon.url('mirror')]) });
    await site.run('booted');
    const renumber = (change: object): void => {
      const state = site.state('booted');
      const dst = { ...state.dst, dev: (state.dst?.dev ?? 0) + 1, ...change };
      writeFileSync(site.layout.stateFile('booted'), JSON.stringify({ ...state, dst }));
    };
    renumber({});
    expect((await site.run('booted')).code).toBe(0);
    renumber({ boot_id: 'the one before', fs: undefined });
    expect((await site.run('booted')).code).toBe(0);
    renumber({ fs: undefined });
    expect((await site.run('booted')).code).toBe(77);
  });

  test.skipIf(!root)(
    'is left alone on another file system, until a person says that it was moved',
    async () => {
      fresh(manyFiles(5));
      site.job('moved', { attempts: site.attempts('moved', [daemon.url('mirror')]) });
      await site.run('moved');
      tmpfs(site.dst('moved'), '10m');
      tree(site.dst('moved'), { stray: 'somebody else’s' });
      const { stdout, code } = await site.run('moved');
      expect(code).toBe(77);
      expect(stdout).toContain('is on another file system than at the last run');
      expect(listing(site.dst('moved'))).toEqual(['stray']);
      expect((await site.run('moved', '--allow-deletes', '1')).code).toBe(0);
      expect(listing(site.dst('moved'))).toEqual(Object.keys(manyFiles(5)).sort());
      expect((await site.run('moved')).code).toBe(0);
    },
  );
});

describe('free space', () => {
  test.skipIf(!root)('that runs out is a failure of this host, whatever code rsync chose', async () => {
    fresh({ ...manyFiles(3), big: 'x'.repeat(3 * 2 ** 20) });
    site.job('full', { attempts: site.attempts('full', [daemon.url('mirror')]) });
    tmpfs(site.dst('full'), '1m');
    expect((await site.run('full')).code).toBe(73);
    expect(site.state('full').last).toMatchObject({ outcome: 'failed', failure: 'space' });
    expect(site.state('full').last?.reason).toContain('No space left on device');
  });

  test.skipIf(!root)('under min_free stops a run before it starts, and while it runs', async () => {
    const least = (bytes: number): Guard => ({ ...guard, min_free: { bytes } });
    const attempts = site.attempts('tight', [daemon.url('mirror')]);
    site.job('tight', { attempts, guard: least(20 * 2 ** 20) });
    tmpfs(site.dst('tight'), '10m');
    expect((await site.run('tight')).code).toBe(73);
    expect(listing(site.dst('tight'))).toEqual([]);

    // Fills the disk and would then go on for ever.
    const argv = ['sh', '-c', 'head -c 8M /dev/zero > big; exec sleep 100'];
    const exec = { kind: 'exec', tool: 'command', argv } as const;
    site.job('tight', { attempts: [{ src: 'x', upstream: null, steps: [exec] }], guard: least(5 * 2 ** 20) });
    expect((await site.run('tight')).code).toBe(73);
    expect(site.state('tight').last?.reason).toMatch(
      /^2\.0 MiB free at .*, guard\.min_free asks for 5\.0 MiB$/,
    );
  });
});
