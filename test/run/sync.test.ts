import { existsSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { install, listing, tree } from './fixture.js';
import type { Installation } from './fixture.js';

let site: Installation;
let daemon: Rsyncd;
let upstream: string;

beforeAll(async () => {
  site = install();
  upstream = tree(join(site.root, '../upstream'), {
    lastupdate: '1\n',
    'pool/a.deb': 'a',
    'pool/b.deb': 'b',
  });
  daemon = await startRsyncd({ debian: { path: upstream } });
});
afterAll(async () => {
  await daemon.stop();
  site.remove();
});

describe('a sync from a real rsync daemon', () => {
  test('is recorded in state, history, log and the published files', async () => {
    const src = daemon.url('debian');
    site.job('debian', { attempts: site.attempts('debian', [src]) });
    const result = await site.run('debian');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(/^debian: synced \(\d+\.\d s, 3 of 5 files, 4 bytes, 0 deleted\)\nlog: /);
    expect(listing(site.dst('debian'))).toEqual(['lastupdate', 'pool', 'pool/a.deb', 'pool/b.deb']);

    const state = site.state('debian');
    expect(state).toMatchObject({ run: null, errors: 0, blocked: null, size: { files: 5, bytes: 4 } });
    expect(state.last).toMatchObject({ outcome: 'synced', exit: 0, trigger: 'request', src, failure: null });
    expect(state.last_success).toBe(state.last?.ended);
    expect(state.dst).toMatchObject({ path: site.dst('debian'), dev: statSync(site.dst('debian')).dev });
    expect(site.history('debian')).toEqual([state.last]);
    expect(state.last_success_log).toBe(state.last?.log);
    expect(site.log('debian')).toContain('pool/b.deb\n');
    expect(site.log('debian')).toMatch(/INFO # synced\n$/);

    const published = JSON.parse(readFileSync(join(site.root, 'www/status.json'), 'utf8')) as {
      debian: { status: string; lastsuccesslog: string };
    };
    expect(published.debian).toMatchObject({ status: 'ACTIVE', lastsuccesslog: state.last?.log });
  });

  test('names its log after the time in localtimezone and compresses it when the site wants that', async () => {
    const job = site.job('zipped', { attempts: site.attempts('zipped', [daemon.url('debian')]) });
    site.job('zipped', { ...job, log: { ...job.log, gzip: true } });
    await site.run('zipped');
    const { log, started } = site.state('zipped').last ?? { log: null, started: 0 };
    const local = new Date(started + 9 * 3_600_000).toISOString();
    const expected = `${local.slice(0, 10).replaceAll('-', '/')}/${local.slice(11, 23)}`;
    expect(log?.slice(join(site.root, 'log/').length)).toMatch(
      /^\d{4}\/\d\d\/\d\d\/\d\d:\d\d:\d\d\.\d{6}\.zipped\.log\.gz$/,
    );
    expect(log).toContain(expected);
    expect(existsSync(log?.replace(/\.gz$/, '') ?? '')).toBe(false);
    expect(site.log('zipped')).toContain('pool/a.deb\n');
  });

  test('asks the marker first, and then touches nothing and keeps no log when upstream has not changed', async () => {
    const precheck = { file: 'lastupdate', fullEvery: 604_800, always: ['lastsync'] };
    site.job('Arch', { attempts: site.attempts('Arch', [daemon.url('debian')], { precheck }) });
    writeFileSync(join(upstream, 'lastsync'), '100\n');
    expect((await site.run('Arch')).code).toBe(0);
    expect(site.state('Arch').last?.outcome).toBe('synced');
    const marker = statSync(join(site.dst('Arch'), 'lastupdate'));
    expect(marker.mtimeMs).toBeCloseTo(statSync(join(upstream, 'lastupdate')).mtimeMs, 1);
    const logs = readdirSync(join(site.root, 'log'), { recursive: true }).length;

    writeFileSync(join(upstream, 'lastsync'), '200\n');
    utimesSync(join(upstream, 'lastsync'), 2e9, 2e9);
    writeFileSync(join(upstream, 'pool/c.deb'), 'not announced by the marker');
    expect((await site.run('Arch')).code).toBe(0);
    const { last, last_success, last_full } = site.state('Arch');
    expect(last).toMatchObject({ outcome: 'unchanged', log: null });
    expect(last_success).toBe(last?.ended);
    expect(last_full).toBeLessThan(last?.started ?? 0);
    expect(readFileSync(join(site.dst('Arch'), 'lastsync'), 'utf8')).toBe('200\n');
    expect(existsSync(join(site.dst('Arch'), 'pool/c.deb'))).toBe(false);
    expect(readdirSync(join(site.root, 'log'), { recursive: true })).toHaveLength(logs);
  });

  test('is started by a timer only when a slot is due', async () => {
    site.job('CPAN', { attempts: site.attempts('CPAN', [daemon.url('debian')]) });
    expect((await site.run('CPAN', '--scheduled')).code).toBe(0);
    expect(site.state('CPAN').last).toMatchObject({ outcome: 'synced', trigger: 'schedule' });
    const before = readFileSync(site.layout.stateFile('CPAN'), 'utf8');
    expect(await site.run('CPAN', '--scheduled')).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
    expect(readFileSync(site.layout.stateFile('CPAN'), 'utf8')).toBe(before);
    expect(site.history('CPAN')).toHaveLength(1);
    site.slotComes('CPAN');
    await site.run('CPAN', '--scheduled');
    expect(site.history('CPAN')).toHaveLength(2);
  });

  test('does not start while the package is held, whoever asks', async () => {
    site.job('held', { attempts: site.attempts('held', [daemon.url('debian')]) });
    const hold = { since: 0, until: null, by: 'ada', reason: 'new disk' };
    writeFileSync(site.layout.holdFile('held'), JSON.stringify(hold));
    const result = await site.run('held');
    expect(result).toMatchObject({ code: 0, stdout: 'held: held: held by ada: new disk\n' });
    expect((await site.run('held', '--scheduled')).code).toBe(0);
    expect(existsSync(site.layout.stateFile('held'))).toBe(false);
  });

  test('with --json is one object', async () => {
    const { stdout } = await site.run('debian', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'mirror/run/1',
      id: 'debian',
      outcome: 'synced',
      exit: 0,
    });
  });

  test('with --dry-run starts nothing and prints the exact words', async () => {
    const before = site.history('debian').length;
    const { stdout, code } = await site.run('debian', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^from rsync:.*\n {2}require .*\n {2}rsync --max-delete=3 .* -vrltSH .*--delete-delay .*\n {2}count what .*\n$/,
    );
    expect(site.history('debian')).toHaveLength(before);
  });
});
