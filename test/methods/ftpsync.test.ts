import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PASSWORD, suite, site, rsyncd, publish, debian, mirrored, trace, push } from './ftpsync-archive.js';

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
    expect(last?.reason).toMatch(/^stage 1 only.{0,90}$/);
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
