import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noBed, type Answer } from '../bed/bed.js';
import { MIRROR } from '../bed/site.js';
import { bootPushSite, type PushSite } from './push-site.js';

const noSudo = noBed ?? (existsSync('/usr/bin/sudo') ? null : 'needs sudo');
const USER = 'mirror-push';

/** The line that the manual shows. */
function documentedLine(): string {
  const manual = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const line = manual.split('\n').find((each) => each.startsWith(`${USER} ALL=`));
  if (line === undefined) throw new Error('the manual has no line for sudoers');
  return line;
}

describe.skipIf(noSudo !== null)(
  `the manual's line for sudoers${noSudo === null ? '' : ` (skipped: ${noSudo})`}`,
  () => {
    let site: PushSite;
    const as = (user: string, ...argv: string[]): Answer =>
      site.bed.run('runuser', '-u', user, '--', ...argv);
    const sudo = (...argv: string[]): Answer => as(USER, 'sudo', '-n', ...argv);

    beforeAll(async () => {
      site = await bootPushSite(['debian', 'CTAN']);
      site.bed.must('ln', '-sf', MIRROR, '/usr/bin/mirror');
      site.bed.must('useradd', '--system', '--create-home', '--shell', '/bin/sh', USER);
      site.write('/etc/hosts', '127.0.0.1 localhost bed\n');
      site.write('/etc/sudoers.d/mirror', `${documentedLine()}\n`, 0o440);
    });
    afterAll(() => site.stop());

    it('is one that visudo accepts', () => {
      expect(site.bed.must('visudo', '--check', '--strict')).toContain('/etc/sudoers.d/mirror: parsed OK');
    });

    it('lets its user push the package that it names and stop it, in his own name', async () => {
      expect(as(USER, 'mirror', 'push', 'debian').status).not.toBe(0);
      site.block('debian');
      const { status, stderr } = sudo('mirror', 'push', 'debian');
      expect(status, stderr).toBe(0);
      await site.until(() => site.runs('debian') === 1, 'the sync runs');
      expect(sudo('mirror', 'stop', 'debian').status).toBe(0);
      expect(site.state('debian')).toMatchObject({
        run: null,
        last: { outcome: 'stopped', reason: expect.stringContaining(USER) as string },
      });
    });

    it('lets him do nothing else', () => {
      const others = [
        ['mirror'],
        ['mirror', 'push'],
        ['mirror', 'push', 'CTAN'],
        ['mirror', 'push', 'debian', 'CTAN'],
        ['mirror', 'push', 'debian', '--wait'],
        ['mirror', 'push', '--config', '/tmp/config.json', 'debian'],
        ['mirror', '--root', '/tmp', 'push', 'debian'],
        ['mirror', 'stop', 'CTAN'],
        ['mirror', 'run', 'debian'],
        ['mirror', 'apply'],
        [MIRROR, 'push', 'debian'],
        ['/usr/bin/node', MIRROR, 'push', 'debian'],
        ['NODE_OPTIONS=--require=/tmp/evil.cjs', 'mirror', 'push', 'debian'],
        ['--user', 'mirror', 'mirror', 'push', 'debian'],
        ['--preserve-env', 'mirror', 'push', 'debian'],
        ['sh', '-c', 'id'],
        ['-s'],
        ['-e', '/etc/mirror/config.json'],
      ];
      for (const argv of others) {
        const { status, stdout, stderr } = sudo(...argv);
        const about = `${argv.join(' ')}: ${stderr}`;
        expect(status, about).toBe(1);
        expect(stdout, about).toBe('');
        expect(stderr, about).toMatch(/a password is required|not allowed/);
      }
      expect(as('outsider', 'sudo', '-n', 'mirror', 'push', 'debian').status).toBe(1);
      expect([site.runs('debian'), site.runs('CTAN')]).toEqual([1, 0]);
    });

    it('takes nothing of his environment along', () => {
      site.write('/tmp/evil.cjs', "require('node:fs').writeFileSync('/tmp/evil', String(process.getuid()));");
      const evil = ['NODE_OPTIONS=--require=/tmp/evil.cjs', 'PATH=/tmp:/usr/bin:/bin'];
      expect(as(USER, 'env', ...evil, 'sudo', '-n', 'mirror', 'stop', 'debian').status).toBe(0);
      expect(site.has('/tmp/evil')).toBe(false);
    });
  },
);
