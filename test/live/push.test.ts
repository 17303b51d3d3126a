import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noBed, type Answer } from '../bed/bed.js';
import { MIRROR } from '../bed/site.js';
import { bootPushSite, type PushSite } from './push-site.js';

const skipped = noBed ?? (existsSync('/usr/sbin/sshd') ? null : 'needs sshd');

describe.skipIf(skipped !== null)(
  `push on a live systemd, by ssh${skipped === null ? '' : ` (skipped: ${skipped})`}`,
  () => {
    let site: PushSite;

    /** What the upstream's machine runs: ssh with its key, and whatever it likes as a command. */
    const ssh = (key: string, ...words: string[]): Answer => {
      const options = [
        'BatchMode=yes',
        'StrictHostKeyChecking=no',
        'UserKnownHostsFile=/dev/null',
        'LogLevel=ERROR',
      ];
      const flags = [...options.flatMap((option) => ['-o', option]), '-p', '2222', '-i', key];
      return site.bed.run('ssh', ...flags, 'ada@127.0.0.1', ...words);
    };

    beforeAll(async () => {
      site = await bootPushSite(['debian', 'ubuntu', 'burst']);
      const { bed } = site;
      for (const key of ['host', 'upstream', 'thief'])
        bed.must('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', `/root/${key}`);
      const lines = bed.must(MIRROR, 'push', 'debian', '--authorized-keys', '/root/upstream.pub');
      site.write('/home/ada/.ssh/authorized_keys', lines, 0o600);
      // sshd without PAM takes an account without a password for a locked one.
      bed.must('usermod', '-p', '*', 'ada');
      bed.must('chown', '-R', 'ada:ada', '/home/ada/.ssh');
      site.write(
        '/root/sshd_config',
        'Port 2222\nListenAddress 127.0.0.1\nHostKey /root/host\nUsePAM no\nPasswordAuthentication no\n',
      );
      mkdirSync(join(bed.root, 'run/sshd'), { recursive: true });
      bed.must(
        'systemd-run',
        '--quiet',
        '--unit=sshd-test',
        '/usr/sbin/sshd',
        '-D',
        '-e',
        '-f',
        '/root/sshd_config',
      );
      await site.until(() => ssh('/root/thief').stderr.includes('Permission denied'), 'sshd answers');
    });
    afterAll(() => site.stop());

    it('is all that the printed line lets a key do; its words are recorded and never run', async () => {
      site.block('debian');
      expect(ssh('/root/upstream', 'sync:stage1')).toMatchObject({
        status: 0,
        stdout: 'debian: requested\n',
      });
      await site.until(() => site.runs('debian') === 1, 'it runs');
      const evil = ssh(
        '/root/upstream',
        'sync:all;',
        'touch',
        '/tmp/owned',
        '$(touch /tmp/owned)',
        '`id`',
        'sync:stage2',
      );
      expect(evil.status).toBe(0);
      expect(evil.stderr).toContain('words of the ssh command are left out');
      const request = JSON.parse(site.read('/var/lib/mirror/request/debian.json')) as Record<string, unknown>;
      expect(request).toMatchObject({ push: true, words: ['touch', 'sync:stage2'] });
      expect(site.has('/tmp/owned')).toBe(false);
      expect(ssh('/root/upstream', '--', '--help').stdout).toMatch(/^debian: requested/);
      expect(site.bed.run('ls', '/home/ada').stdout).toBe('');
    });

    it('remembers pushes that come during a run, and makes exactly one more run of them', async () => {
      expect(site.as('ada', 'status', 'debian').stdout).toContain('syncing');
      // By hand without a debounce, so that the test need not wait a minute.
      site.as('mirror', 'push', 'debian', '--debounce', 'PT0S');
      site.as('mirror', 'push', 'debian', '--debounce', 'PT0S');
      site.as('root', 'start', 'debian');
      site.release('debian');
      await site.until(() => site.runs('debian') === 2 && site.state('debian').run === null, 'one more');
      await new Promise((next) => setTimeout(next, 1500));
      expect(site.runs('debian')).toBe(2);
    });

    it('does not let another key in, nor a key push another package', () => {
      expect(ssh('/root/thief', 'debian').status).toBe(255);
      ssh('/root/upstream', 'push', 'ubuntu');
      expect(site.runs('ubuntu')).toBe(0);
      expect(site.has('/var/lib/mirror/request/ubuntu.json')).toBe(false);
    });

    it('makes two runs of a burst: one at once, and one at the end of the debounce', async () => {
      const push = `${MIRROR} push burst --debounce PT10S`;
      const pushes = (times: number): string =>
        site.bed.must('runuser', '-u', 'ada', '--', 'sh', '-c', `${`${push} & `.repeat(times)} wait`);
      expect(pushes(1)).toBe('burst: requested\n');
      await site.until(
        () => site.state('burst').last !== null && site.state('burst').run === null,
        'the first',
      );
      const later = 'burst: requested, to begin in \\d+ s: the last push was just served\n';
      expect(pushes(5)).toMatch(new RegExp(`^(${later}){5}$`));
      await site.until(() => site.state('burst').run !== null, 'it waits');
      expect(site.as('ada', 'status', 'burst').stdout).toMatch(/waiting .*pushed soon after the last push/);
      await site.until(() => site.runs('burst') === 2 && site.state('burst').run === null, 'the second');
      const [first = 0, second = 0] = site.read('/srv/ftp/burst/runs').split('\n').map(Number);
      expect(second - first).toBeGreaterThan(9);
      expect(second - first).toBeLessThan(14);
      await new Promise((next) => setTimeout(next, 1500));
      expect(site.runs('burst')).toBe(2);
    });

    it('follows a run to its outcome with --wait, through the socket too', () => {
      const { status, stdout } = site.as('ada', 'push', 'ubuntu', '--wait');
      expect({ status, stdout }).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^ubuntu: synced/) as string,
      });
    });

    it('is not lost when its start fails or the machine goes down: the tick starts it', async () => {
      const before = site.runs('ubuntu');
      const request = { at: Date.now(), by: 'nobody', allow_deletes: null, push: true };
      site.bed.must(
        'runuser',
        '-u',
        'mirror',
        '--',
        'sh',
        '-c',
        `echo '${JSON.stringify(request)}' >/var/lib/mirror/request/ubuntu.json`,
      );
      site.bed.must('systemctl', 'start', 'mirror-tick.service');
      await site.until(() => site.runs('ubuntu') === before + 1, 'the tick started it');
    });

    it('is not lost when it comes after the run’s last look: the unit’s end starts it', async () => {
      const ended = (): boolean =>
        site.bed.run('systemctl', 'is-active', 'mirror-sync-ubuntu.service').stdout === 'inactive\n';
      await site.until(ended, 'the run before is over');
      const before = site.runs('ubuntu');
      const request = JSON.stringify({ at: Date.now(), by: 'nobody', allow_deletes: null });
      // A run that leaves a request as if it had come in its last millisecond, once; then the real one.
      const first = `test -e /var/lib/mirror/late && exec ${MIRROR} run --scheduled ubuntu; touch /var/lib/mirror/late; echo '${request}' >/var/lib/mirror/request/ubuntu.json`;
      const program = `/bin/sh -c "${first.replaceAll('"', '\\"')}"`;
      mkdirSync(join(site.bed.root, 'run/systemd/system/mirror-sync-ubuntu.service.d'), { recursive: true });
      site.write(
        '/run/systemd/system/mirror-sync-ubuntu.service.d/late.conf',
        `[Service]\nExecStart=\nExecStart=${program}\n`,
      );
      site.bed.must('systemctl', 'daemon-reload');
      site.bed.must('systemctl', 'start', 'mirror-sync-ubuntu.service');
      await site.until(() => site.runs('ubuntu') === before + 1, 'the end of the unit started it');
    });
  },
);
