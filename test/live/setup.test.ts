import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Answer, type Bed } from '../bed/bed.js';
import { BED, installProgram, MIRROR } from '../bed/site.js';
import { siteConfig } from '../support/site-config.js';

const pkg = (id: string, more: object = {}): object => ({
  name: id,
  synctype: 'command',
  syncrate: 'PT6H',
  guard: { min_free: '0%' },
  settings: { src: '', dst: `/srv/ftp/${id}`, options: { command: ['/opt/mirror/sync'] } },
  ...more,
});

const config = (packages: Record<string, object>): string =>
  JSON.stringify(
    siteConfig(
      packages,
      { executable: MIRROR, localtimezone: 'Asia/Seoul', logger: { fileformat: {} } },
      BED,
    ),
  );

describe.skipIf(noBed !== null)(
  `setup on a real system${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  () => {
    let bed: Bed;
    const mirror = (...args: string[]): Answer => bed.run(MIRROR, ...args);
    const units = (): string[] =>
      bed
        .must('sh', '-c', "find /etc/systemd/system -name 'mirror*' -printf '%f\\n' | sort -u")
        .split('\n')
        .filter(Boolean);
    const owner = (path: string): string => bed.must('stat', '-c', '%U:%G %a', path).trim();

    beforeAll(async () => {
      bed = await bootBed();
      installProgram(bed);
      bed.write(
        '/opt/mirror/sync',
        '#!/bin/sh\ndate >"$MIRROR_DST/file"\nexec sleep "$(cat /srv/pause)"\n',
        0o755,
      );
      bed.write('/srv/pause', '0\n');
      mkdirSync(join(bed.root, 'srv/ftp'), { recursive: true });
      bed.write('/etc/mirror/config.json', config({ one: pkg('one'), two: pkg('two', { user: 'archie' }) }));
      // Nobody is there to ask.
      bed.run('systemctl', 'mask', '--now', 'polkit.service');
    });
    afterAll(() => bed.stop());

    it('makes users by sysusers.d, directories, tmpfiles.d and a logrotate rule, without polkit', () => {
      const { status, stdout, stderr } = mirror('setup');
      expect([status, stderr]).toEqual([0, '']);
      for (const line of ['user mirror', 'user archie', '/etc/tmpfiles.d/mirror.conf', '/var/log/mirror'])
        expect(stdout).toContain(`created ${line}\n`);
      expect(bed.read('/etc/sysusers.d/mirror.conf')).toMatch(
        /^u mirror - .*\n(g mirror -\n)?u archie -:mirror /m,
      );
      expect(bed.must('id', '-gn', 'archie')).toBe('mirror\n');
      expect(bed.must('getent', 'passwd', 'archie')).toContain(':/var/lib/mirror:/usr/sbin/nologin');
      expect(owner('/var/lib/mirror/state')).toBe('mirror:mirror 2775');
      // Archie's runs log and publish, too.
      expect(owner('/var/www/mirror')).toBe('mirror:mirror 2775');
      expect(owner('/var/log/mirror/packages')).toBe('mirror:mirror 2775');
      expect(owner('/var/log/mirror')).toBe('mirror:mirror 2775');
      expect(owner('/var/log/mirror/mirror.log')).toBe('mirror:mirror 664');
      expect(owner('/etc/mirror/secrets')).toBe('root:root 700');
    });

    it('does nothing a second time', () => {
      const inode = lstatSync(join(bed.root, 'etc/mirror/compiled/setup.json')).ino;
      const { status, stdout } = mirror('setup');
      expect([status, stdout]).toEqual([0, 'Everything is in place.\n']);
      expect(lstatSync(join(bed.root, 'etc/mirror/compiled/setup.json')).ino).toBe(inode);
    });

    it('has the state directories back at a boot after which /var is empty', () => {
      bed.must('rm', '-r', '/var/lib/mirror');
      // As systemd-tmpfiles-setup.service calls it, which cannot be started by hand.
      bed.must('systemd-tmpfiles', '--create', '--boot', '--prefix=/var/lib/mirror');
      expect(owner('/var/lib/mirror')).toBe('mirror:mirror 2775');
      expect(owner('/var/lib/mirror/locks')).toBe('mirror:mirror 2770');
      expect(mirror('setup').stdout).toBe('Everything is in place.\n');
    });

    it('has the accounts back on a machine that lost them', () => {
      bed.must('userdel', 'archie');
      bed.must('systemd-sysusers');
      expect(bed.must('id', '-gn', 'archie')).toBe('mirror\n');
    });

    it.skipIf(!existsSync('/usr/sbin/logrotate'))("rotates the site's own log as the mirror user", () => {
      bed.must('sh', '-c', 'echo one line >/var/log/mirror/mirror.log');
      expect(bed.must('logrotate', '-f', '/etc/logrotate.d/mirror-site')).toBe('');
      expect(bed.read('/var/log/mirror/mirror.log.1')).toBe('one line\n');
      expect(owner('/var/log/mirror/mirror.log.1')).toMatch(/^mirror:mirror /);
      expect(bed.read('/var/log/mirror/mirror.log')).toBe('');
      expect(owner('/var/log/mirror/mirror.log')).toBe('mirror:mirror 664');
      // Without root's rights: of a file that is not his he can change the name, as in any directory of his.
      bed.write('/var/log/mirror/mirror.log', 'secret\n', 0o600);
      bed.must('chown', 'root:root', '/var/log/mirror/mirror.log');
      bed.must('logrotate', '-f', '/etc/logrotate.d/mirror-site');
      expect(owner('/var/log/mirror/mirror.log.1')).toBe('root:root 600');
      expect(owner('/var/log/mirror/mirror.log')).toBe('mirror:mirror 664');
      bed.must('rm', '/var/log/mirror/mirror.log.1');
    });

    it('leaves an edited rule alone and says nothing, as long as it would not write another', () => {
      const path = '/etc/logrotate.d/mirror-site';
      bed.write(path, bed.read(path).replace('weekly', 'daily'));
      expect(mirror('setup').stdout).toBe('Everything is in place.\n');
      expect(bed.read(path)).toContain('daily');
      bed.write(path, bed.read(path).replace('daily', 'weekly'));
    });

    it('adds the user of a new package by useradd where systemd-sysusers is missing', () => {
      bed.must('mv', '/usr/bin/systemd-sysusers', '/usr/bin/systemd-sysusers.away');
      bed.write('/etc/mirror/config.json', config({ one: pkg('one'), two: pkg('two', { user: 'berta' }) }));
      const { status, stdout } = mirror('setup');
      bed.must('mv', '/usr/bin/systemd-sysusers.away', '/usr/bin/systemd-sysusers');
      expect([status, stdout]).toEqual([0, 'created user berta\n']);
      expect(bed.must('id', '-gn', 'berta')).toBe('mirror\n');
    });

    it('names the Debian package of a tool that a configured method needs', () => {
      const rsync = pkg('three', {
        synctype: 'rsync',
        settings: { src: 'rsync://127.0.0.1/x', dst: '/srv/ftp/three' },
      });
      bed.must('mv', '/usr/bin/rsync', '/usr/bin/rsync.away');
      expect(mirror('setup').status).toBe(0);
      bed.write('/etc/mirror/config.json', config({ one: pkg('one'), three: rsync }));
      const { status, stderr } = mirror('setup');
      bed.must('mv', '/usr/bin/rsync.away', '/usr/bin/rsync');
      expect([status, stderr]).toEqual([77, 'mirror: rsync is not installed: apt-get install rsync\n']);
    });

    describe('--uninstall', () => {
      it('stops what it takes away, and leaves a running sync and all that is not its own', async () => {
        bed.write('/etc/mirror/config.json', config({ one: pkg('one'), two: pkg('two') }));
        bed.must(MIRROR, 'apply');
        bed.write('/srv/pause', '4\n');
        bed.write('/var/log/mirror/note', 'mine\n');
        bed.must(MIRROR, 'start', 'one');
        for (let tries = 0; !bed.exists('/srv/ftp/one/file') && tries < 100; tries += 1) await sleep(100);
        expect(units()).toContain('mirror-sync-one.timer');

        const { status, stdout, stderr } = mirror('setup', '--uninstall');
        expect([status, stderr]).toEqual([0, '']);
        expect(stdout).toContain('removed /etc/sysusers.d/mirror.conf\n');
        expect(units()).toEqual([]);
        expect(bed.must('systemctl', 'list-units', '--plain', '--no-legend', 'mirror*.timer')).toBe('');
        expect(bed.must('systemctl', 'show', '-P', 'ActiveState', 'mirror-sync-one')).toBe('active\n');
        for (const path of [
          '/etc/tmpfiles.d/mirror.conf',
          '/etc/logrotate.d/mirror-site',
          '/etc/mirror/secrets',
        ])
          expect(bed.exists(path), path).toBe(false);
        for (const path of ['/etc/mirror/config.json', '/srv/ftp/one/file', '/var/log/mirror/note'])
          expect(bed.exists(path), path).toBe(true);
        expect(bed.run('id', 'mirror').status).toBe(0);
        for (let tries = 0; tries < 100; tries += 1) {
          if (bed.run('systemctl', 'is-active', 'mirror-sync-one').stdout !== 'active\n') break;
          await sleep(100);
        }
        expect(bed.must('systemctl', 'list-units', '--failed', '--no-legend', 'mirror*')).toBe('');
        expect(JSON.parse(bed.read('/var/lib/mirror/state/one.json'))).toMatchObject({ id: 'one' });
      });

      it('finds nothing a second time', () => {
        expect(mirror('setup', '--uninstall').stdout).toBe('Nothing was installed.\n');
      });

      it('is undone by setup and apply, with what is known of the packages', () => {
        bed.must(MIRROR, 'setup');
        bed.must(MIRROR, 'apply');
        expect(bed.must('systemctl', 'is-active', 'mirror-sync-one.timer', 'mirror-tick.timer')).toBe(
          'active\nactive\n',
        );
        const status = JSON.parse(bed.must(MIRROR, 'status', '--json', 'one')) as object;
        expect(JSON.stringify(status)).toMatch(/"last_?success[^:]*": ?"?[1-9]/i);
      });

      it('leaves an edited unit until it is forced', () => {
        const unit = '/etc/systemd/system/mirror-sync-two.service';
        bed.write(unit, `${bed.read(unit)}# mine\n`);
        const kept = mirror('setup', '--uninstall');
        expect([kept.status, kept.stderr]).toEqual([
          77,
          `mirror: ${unit} was edited since mirror wrote it: --force removes it\n`,
        ]);
        expect(units()).toEqual(['mirror-sync-two.service']);
        expect(mirror('setup', '--uninstall', '--force').status).toBe(0);
        expect(units()).toEqual([]);
      });
    });

    it('writes a config that plan and apply take as it stands', () => {
      bed.must('rm', '/etc/mirror/config.json');
      const { status, stdout, stderr } = mirror('setup');
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toContain('wrote a default config: /etc/mirror/config.json\n');
      expect(mirror('plan', '--detailed-exitcode').status).toBe(2);
      expect(mirror('apply')).toMatchObject({ status: 0, stderr: '' });
      expect(owner('/srv/mirror/example')).toBe('mirror:mirror 755');
    });
  },
);
