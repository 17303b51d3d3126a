import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { BED, installProgram, MIRROR } from '../bed/site.js';
import { siteConfig } from '../support/site-config.js';

const noMail = existsSync('/usr/sbin/sendmail') ? null : 'needs a sendmail';

/** Takes each POST of the bed's loopback down to a file. */
const HOOK = `require('node:http').createServer((request, response) => {
  request.on('data', (data) => require('node:fs').appendFileSync('/srv/posted', data + '\\n'));
  request.on('end', () => response.end());
}).listen(8080, '127.0.0.1');`;

function config(scheduler: string, sandbox = 'off'): object {
  const settings = {
    scheduler,
    executable: MIRROR,
    notify: {
      after_failures: 2,
      command: ['/opt/mirror/tell'],
      ...(noMail === null && { mail: 'mirror' }),
      webhook: 'http://127.0.0.1:8080/s3cret',
      // Exim's sendmail is set-uid.
      sandbox,
    },
  };
  const debian = {
    ...{ name: 'Debian', id: 'debian', href: '/debian', synctype: 'command', syncrate: '' },
    guard: { min_free: '0%' },
    settings: {
      src: '',
      dst: '/srv/ftp/debian',
      options: { command: ['/bin/sh', '-c', 'test -e /srv/ok && : >file || exit 69'] },
    },
  };
  return siteConfig({ debian }, settings, BED);
}

describe.skipIf(noBed !== null)(
  `notices on a live system${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  () => {
    let bed: Bed;
    const lines = (path: string): string[] =>
      bed.exists(path) ? bed.read(path).split('\n').filter(Boolean) : [];
    const until = async (what: () => boolean): Promise<void> => {
      for (let tries = 0; !what(); tries += 1) {
        if (tries > 200) throw new Error(bed.run('journalctl', '--no-pager', '-n', '60', '-o', 'cat').stdout);
        await sleep(100);
      }
    };
    const subjects = (): string[] => lines('/var/mail/mirror').filter((line) => line.startsWith('Subject:'));
    /** One run, its unit's end included. */
    const run = async (): Promise<void> => {
      bed.run(MIRROR, 'run', 'debian');
      await until(() => {
        const state = bed.run('systemctl', 'is-active', 'mirror-sync-debian.service').stdout.trim();
        return ['inactive', 'failed'].includes(state);
      });
    };

    beforeAll(async () => {
      bed = await bootBed();
      installProgram(bed);
      bed.write(
        '/opt/mirror/tell',
        '#!/bin/sh\necho "$MIRROR_EVENT by $(id -un)" >>/var/lib/mirror/told\n',
        0o755,
      );
      bed.write('/opt/hook.cjs', HOOK);
      bed.must('systemd-run', '--quiet', '--unit=hook', process.execPath, '/opt/hook.cjs');
      bed.write('/etc/mirror/config.json', JSON.stringify(config('systemd')));
      mkdirSync(join(bed.root, 'srv/ftp'), { recursive: true });
      bed.must(MIRROR, 'setup');
      bed.must(MIRROR, 'apply');
    });
    afterAll(() => bed.stop());

    it('leave the sandbox by a unit of their own, as the mirror user, mail included', async () => {
      expect(bed.must('systemctl', 'is-active', 'mirror-notify.path').trim()).toBe('active');
      await run();
      await run();
      await until(() => lines('/var/lib/mirror/told').length === 1);
      await until(() => lines('/srv/posted').length === 1);
      if (noMail === null) await until(() => subjects().length === 1);
      await run();
      bed.must('systemctl', 'start', 'mirror-tick.service');
      await until(
        () => bed.run('systemctl', 'is-active', 'mirror-notify.service').stdout.trim() === 'inactive',
      );
      expect(lines('/var/lib/mirror/told')).toEqual(['failure by mirror']);
      bed.write('/srv/ok', '');
      await run();
      await until(() => lines('/srv/posted').length === 2);
      await until(
        () =>
          lines('/var/lib/mirror/incident/debian.json').length === 0 ||
          lines('/var/lib/mirror/told').length === 2,
      );
      expect(lines('/var/lib/mirror/told')).toEqual(['failure by mirror', 'recovery by mirror']);
      if (noMail === null) {
        await until(() => subjects().length === 2);
        expect(subjects()).toEqual(['Subject: [Bed] debian: failing', 'Subject: [Bed] debian: well again']);
      }
      expect(lines('/srv/posted').map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
        'failure',
        'recovery',
      ]);
    });

    it('refuse a mail program that the sandbox would stop, and reach all others through it', async () => {
      const strict = config('systemd', 'strict') as {
        settings: { notify: { mail?: string; sendmail?: string } };
      };
      if (noMail === null && (statSync('/usr/sbin/sendmail').mode & 0o6000) !== 0) {
        bed.write('/etc/mirror/config.json', JSON.stringify(strict));
        const refused = bed.run(MIRROR, 'apply');
        expect([refused.status, refused.stderr]).toEqual([
          77,
          expect.stringContaining('error[set-id-mailer]'),
        ]);
      }
      // As msmtp does, it takes the mail without rights of its own.
      bed.write('/opt/mirror/sendmail', '#!/bin/sh\ncat >>/var/lib/mirror/mail\n', 0o755);
      Object.assign(strict.settings.notify, { mail: 'mirror', sendmail: '/opt/mirror/sendmail' });
      bed.write('/etc/mirror/config.json', JSON.stringify(strict));
      bed.must(MIRROR, 'apply');
      for (const file of ['/srv/ok', '/var/lib/mirror/told', '/srv/posted']) rmSync(join(bed.root, file));
      await run();
      await run();
      await until(() => lines('/srv/posted').length === 1);
      await until(() => lines('/var/lib/mirror/mail').includes('Subject: [Bed] debian: failing'));
      await until(() => lines('/var/lib/mirror/told').length === 1);
      bed.write('/srv/ok', '');
      await run();
      await until(() => lines('/srv/posted').length === 2);
      bed.write('/etc/mirror/config.json', JSON.stringify(config('systemd')));
      bed.must(MIRROR, 'apply');
    });

    it('keep the webhook’s URL from everybody but root', () => {
      expect(statSync(join(bed.root, 'etc/mirror/secrets/notify.webhook')).mode & 0o777).toBe(0o600);
      expect(
        bed.run('grep', '-r', 's3cret', '/etc/systemd', '/etc/mirror/compiled', '/var/lib/mirror').stdout,
      ).toBe('');
      expect(bed.must('journalctl', '--no-pager', '-o', 'cat')).not.toContain('s3cret');
    });

    it('are sent by the tick itself where cron calls it, with root’s privileges dropped first', async () => {
      rmSync(join(bed.root, 'srv/ok'));
      for (const file of ['/var/lib/mirror/told', '/srv/posted']) rmSync(join(bed.root, file));
      bed.write('/etc/mirror/config.json', JSON.stringify(config('crontab')));
      bed.must(MIRROR, 'apply');
      expect(bed.run('systemctl', 'is-active', 'mirror-notify.path').stdout.trim()).toBe('inactive');
      bed.must(MIRROR, 'publish');
      expect(lines('/var/lib/mirror/told')).toEqual([]);
      await run();
      await run();
      // As cron's line does every 15 minutes.
      bed.must(MIRROR, 'publish');
      bed.must(MIRROR, 'publish');
      expect(lines('/var/lib/mirror/told')).toEqual(['failure by mirror']);
      expect(lines('/srv/posted')).toHaveLength(1);
      if (noMail === null) await until(() => subjects().length === 3);
    });
  },
);
