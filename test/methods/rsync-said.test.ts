import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { matching } from '../support/matching.js';
import { put, rsyncd, serveUpstream, site, upstream } from './rsync-upstream.js';

const root = process.getuid?.() === 0;
const MOTD = join(tmpdir(), `mirror-motd-${String(process.pid)}`);

/** What an upstream could write so that it reads like rsync. */
const BANNER = [
  ' - "@ERROR: access denied" means that your host is not registered',
  'Password: @ERROR: auth failed',
  'rsync: [generator] mkstemp "x" failed: Permission denied (13)',
  'Deletions stopped due to --max-delete limit (1 skipped)',
  'rsync: [receiver] write failed on "x": No space left on device (28)',
  '',
].join('\n');

const nobody = root ? { uid: 'nobody', gid: 'nogroup' } : {};
serveUpstream({
  tree: nobody,
  full: { 'max connections': '1', 'lock file': `${MOTD}.lock` },
});
writeFileSync(MOTD, BANNER);
afterAll(() => {
  for (const path of [MOTD, `${MOTD}.lock`]) rmSync(path, { force: true });
});

beforeEach(() => {
  for (const name of readdirSync(upstream)) rmSync(join(upstream, name), { recursive: true });
});

async function apply(module: string, more: object = {}): Promise<void> {
  const settings = { src: rsyncd.url(module), options: { timeout: 20 } };
  await site.apply({ tree: { synctype: 'rsync', ...more, settings } });
}

/** Puts the banner before what the daemon of the tests says: it reads its configuration for each connection. */
function showBanner(): void {
  rsyncd.configure({ 'motd file': MOTD });
}

describe('what upstream writes is not taken for words of rsync’s', () => {
  test('a daemon with too many connections is unavailable, whatever its banner says', async () => {
    showBanner();
    for (let n = 0; n < 60; n += 1) put(`f${String(n)}`, 'x'.repeat(50_000));
    const busy = spawn('rsync', ['-r', '--bwlimit=10', `${rsyncd.url('full')}/`, join(site.root, 'other')], {
      stdio: 'ignore',
    });
    try {
      await sleep(1000);
      await apply('full');
      expect(await site.run('tree')).toMatchObject({ code: 69 });
      expect(site.state('tree').last).toMatchObject({
        failure: 'unavailable',
        reason: matching(/@ERROR: max connections \(1\) reached -- try again later$/),
      });
    } finally {
      busy.kill('SIGKILL');
    }
  });

  test.skipIf(!root)('names of files that read like errors do not decide how a run ended', async () => {
    showBanner();
    for (const line of BANNER.split('\n').filter(Boolean)) put(line.replaceAll('/', '_'), 'x');
    put('Number of files: 0', 'x');
    mkdirSync(join(upstream, 'closed'), { mode: 0o700 });
    await apply('tree');
    expect(await site.run('tree')).toMatchObject({ code: 69 });
    expect(site.state('tree').last).toMatchObject({
      failure: 'transfer',
      reason: matching(/^some files were not transferred \(exit 23\): rsync: \[sender\] opendir .*closed/),
    });
    rmSync(join(upstream, 'closed'), { recursive: true });
    expect(await site.run('tree')).toMatchObject({ code: 0 });
    expect(site.state('tree').size?.files).toBe(7);
  });

  test.skipIf(!root)('deletions that rsync skipped because it could not read all are told', async () => {
    put('stays', 'x');
    put('goes', 'x');
    mkdirSync(join(upstream, 'closed'), { mode: 0o700 });
    await apply('tree', { accept_exit: { 23: 'a directory is closed' } });
    expect(await site.run('tree')).toMatchObject({ code: 0 });
    rmSync(join(upstream, 'goes'));
    const { code, stdout } = await site.run('tree');
    expect([code, stdout]).toEqual([
      0,
      matching(/incomplete: .*; deletions were skipped \(rsync could not read/),
    ]);
    expect(readdirSync(site.dst('tree'))).toContain('goes');
  });
});

test('files and directories that others cannot read are told by the run, history and status, and are no failure', async () => {
  put('open', 'x');
  put('dir/inside', 'x');
  await site.apply({ tree: { synctype: 'rsync', settings: { src: upstream } } });
  expect((await site.run('tree')).stdout).not.toContain('other users cannot read');
  chmodSync(join(upstream, 'open'), 0o640);
  chmodSync(join(upstream, 'dir'), 0o750);
  const told = 'other users cannot read 2 files and directories: ';
  expect(await site.run('tree')).toMatchObject({
    code: 0,
    stdout: matching(new RegExp(`tree: synced .*; ${told}`)),
  });
  expect((await site.mirror('history', 'tree')).stdout).toContain(told);
  expect((await site.mirror('status')).stdout).toContain(told);
  chmodSync(join(upstream, 'open'), 0o644);
  chmodSync(join(upstream, 'dir'), 0o755);
  expect((await site.run('tree')).stdout).not.toContain('other users cannot read');
  expect((await site.mirror('status')).stdout).not.toContain('other users cannot read');
});
