import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { gated, liveSite, MIRROR, type LiveSite } from '../bed/site.js';

const LOGS = '/var/log/mirror/packages';
const WWW = '/var/www/mirror';

/** Logs as most sites have them, below the day. */
const SETTINGS = {
  logger: {
    fileformat: { base: '/var/log/mirror', folder: 'site' },
    packagefileformat: {
      base: LOGS,
      folder: '{year}/{month}/{day}',
      filename: '{hour}:{minute}:{second}.{microsecond}.{packageid}.log',
      gzip: true,
    },
  },
};

describe.skipIf(noBed !== null)(
  `packages with users of their own${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  () => {
    let bed: Bed;
    let site: LiveSite;

    const configure = (users: Readonly<Record<string, string | null>>, more: object = {}): void => {
      const packages = Object.entries(users).map(([id, user]) =>
        gated(id, 'PT6H', user === null ? {} : { user }),
      );
      site.configure(packages, { ...SETTINGS, ...more });
    };
    const find = (...words: string[]): string => bed.must('find', ...words).trim();
    /** Owners of the logs that there are, by package. */
    const logs = (): Record<string, string> =>
      Object.fromEntries(
        find(LOGS, '-type', 'f', '-printf', '%f %u:%g %m\n')
          .split('\n')
          .map((line) => [/\.([^.]+)\.log/.exec(line)?.[1] ?? line, line.replace(/^\S+ /, '')]),
      );
    const published = (): Record<string, { status: string }> =>
      JSON.parse(site.read(`${WWW}/status.json`)) as Record<string, { status: string }>;
    const run = (id: string): [number | null, string] => {
      const { status, stderr } = site.mirror('run', id);
      return [status, stderr];
    };

    beforeAll(async () => {
      bed = await bootBed();
      site = liveSite(bed);
    });
    afterAll(() => bed.stop());

    it('work after setup and apply: each can log and publish where another one did so before', () => {
      configure({ a: 'archie', m: null, b: 'berta' });
      expect(site.must('setup')).toContain(`created ${LOGS}\n`);
      site.must('apply');
      for (const id of ['a', 'm', 'b']) expect(run(id), id).toEqual([0, '']);
      expect(logs()).toEqual({ a: 'archie:mirror 644', m: 'mirror:mirror 644', b: 'berta:mirror 644' });
      // One log that all write to, whoever made it.
      expect(site.read('/var/log/mirror/site/mirror.log').match(/\w: synced/g)).toEqual(
        ['a', 'm', 'b'].map((id) => `${id}: synced`),
      );
      expect(published()).toMatchObject({
        a: { status: 'ACTIVE' },
        m: { status: 'ACTIVE' },
        b: { status: 'ACTIVE' },
      });
      expect(find(LOGS, '-type', 'd', '-printf', '%m %g\n').split('\n')).toEqual(
        Array(4).fill('2775 mirror'),
      );
    });

    it('leave what is published to be read by everybody, and nothing to be written by everybody', () => {
      expect(find(WWW, '-name', 'status.json', '-printf', '%m')).toBe('644');
      expect(
        bed.run('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'cat', `${WWW}/status.json`)
          .status,
      ).toBe(0);
      expect(find('/var/log/mirror', WWW, '/var/lib/mirror', '-perm', '-o+w', '!', '-type', 'l')).toBe('');
    });

    it('and whoever may not do something is told so, in words', () => {
      const stranger = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
      for (const words of [['run', 'm', '--here'], ['publish'], ['hold', 'm']]) {
        const { status, stderr } = bed.run(...stranger, MIRROR, ...words);
        expect(stderr, words.join(' ')).toContain('help: run this as root or as the mirror user\n');
        expect(status, words.join(' ')).toBe(77);
      }
    });

    it('work on cron as well, whose runs start as root', () => {
      configure({ a: 'archie', m: null, b: 'berta' }, { scheduler: 'crontab' });
      site.must('apply');
      bed.must('rm', '-r', ...find(LOGS, '-mindepth', '1', '-maxdepth', '1').split('\n'));
      for (const id of ['b', 'a', 'm']) expect(run(id), id).toEqual([0, '']);
      expect(Object.keys(logs()).sort()).toEqual(['a', 'b', 'm']);
      configure({ a: 'archie', m: null, b: 'berta' });
      site.must('apply');
    });

    it('are refused with the command that helps where somebody may not write, which setup mends if it made it', () => {
      bed.must('rm', '-r', ...find(LOGS, '-mindepth', '1', '-maxdepth', '1').split('\n'));
      for (const place of [LOGS, WWW]) bed.must('chmod', '755', place);
      bed.must('chmod', 'g-s', LOGS);
      configure({ m: null });
      site.must('apply', '--allow-removals', '2');
      expect(run('m')).toEqual([0, '']);
      configure({ a: 'archie', m: null, b: 'berta' });
      const { status, stdout } = site.mirror('plan');
      expect(status).toBe(0);
      expect(stdout).toContain(`${LOGS} cannot be written by archie, berta\n  help: setpriv --reuid=`);
      expect(stdout).toContain(
        `${WWW} cannot be written by archie, berta\n  help: chgrp -h mirror -- ${WWW} && chmod g+rwxs -- ${WWW}\n`,
      );
      expect(site.mirror('apply').status).toBe(77);
      // Today's folders are the mirror user's, and stay closed when only the base is opened.
      bed.must('chmod', 'g+rwxs', LOGS, WWW);
      expect(site.mirror('apply').stderr).toMatch(
        new RegExp(`${LOGS}/\\d{4} cannot be written by archie, berta\n`),
      );
      bed.must('chmod', '755', WWW);
      const done = site.must('setup');
      expect(done).toMatch(new RegExp(`^opened ${LOGS}/\\d{4} to group mirror$`, 'm'));
      expect(done).toContain(`opened ${WWW} to group mirror\n`);
      expect(site.must('setup')).toBe('Everything is in place.\n');
      site.must('apply');
      expect([run('a'), run('b')]).toEqual([
        [0, ''],
        [0, ''],
      ]);
    });

    it('and a directory that setup did not make is for a person, whose command helps', () => {
      bed.must('mkdir', '-m', '755', '/srv/www');
      configure({ a: 'archie', m: null, b: 'berta' }, { statusfile: '/srv/www/status.json' });
      const { status, stderr } = site.mirror('setup');
      expect(status).toBe(77);
      const command = /\/srv\/www cannot be written by mirror, archie, berta: (.*)\n/.exec(stderr)?.[1] ?? '';
      expect(site.mirror('apply').stderr).toContain(`help: ${command}\n`);
      bed.must('sh', '-c', command);
      site.must('setup');
      site.must('apply');
      expect([run('a'), run('m')]).toEqual([
        [0, ''],
        [0, ''],
      ]);
      expect(JSON.parse(site.read('/srv/www/status.json'))).toMatchObject({ a: { status: 'ACTIVE' } });
    });

    it('get what a package has kept under another user by the command that apply names', () => {
      bed.must('mkdir', '-m', '700', '/var/lib/mirror/work/m');
      bed.must('chown', 'mirror:mirror', '/var/lib/mirror/work/m');
      configure({ a: 'archie', m: 'berta', b: 'berta' });
      const { status, stderr } = site.mirror('apply');
      expect(status).toBe(77);
      const command = /help: (chown .*)\n/.exec(stderr)?.[1] ?? '';
      expect(command).toMatch(
        /^chown -hR --from=\d+ berta:mirror -- \/srv\/ftp\/m \/var\/lib\/mirror\/work\/m \/var\/lib\/mirror\/home\/m$/,
      );
      bed.must('sh', '-c', command);
      site.must('apply');
      expect(run('m')).toEqual([0, '']);
    });

    it('apply --stop-removed ends the running sync of a package that goes away', async () => {
      configure({ a: 'archie', b: 'berta' });
      site.must('apply', '--allow-removals', '1');
      site.gate('b', 'shut');
      site.must('start', 'b');
      await site.until('it runs', () => site.status('b').run !== null);
      configure({ a: 'archie' });
      expect(site.mirror('apply', '--stop-removed').status).toBe(0);
      await site.until(
        'its unit is gone',
        () => site.show('mirror-sync-b.service', 'ActiveState') === 'inactive',
      );
      expect(site.history('b').at(-1)).toMatchObject({ outcome: 'stopped' });
      expect(bed.run('pgrep', '-u', 'berta').stdout).toBe('');
    });

    it('have one user’s rules too: what a program of before left closed to him stops an apply, with the command that helps', () => {
      for (const path of [LOGS, '/var/log/mirror/site']) {
        bed.must('chown', '-R', 'root:root', path);
        bed.must('chmod', '-R', 'go-w', path);
      }
      bed.must('chown', 'mirror:mirror', LOGS);
      configure({ n: null });
      const { status, stderr } = site.mirror('apply');
      expect(status).toBe(77);
      expect(stderr).toMatch(new RegExp(`${LOGS}/\\d{4} cannot be written by mirror\n`));
      expect(stderr).toContain('/var/log/mirror/site cannot be written by mirror\n');
      const commands = [...stderr.matchAll(/help: (mv -T -- .*)\n/g)].map(([, command = '']) => command);
      expect(commands).toHaveLength(2);
      for (const command of commands) bed.run('sh', '-c', command.replace('mirror setup', `${MIRROR} setup`));
      site.must('apply');
      expect(run('n')).toEqual([0, '']);
      expect(site.read('/var/log/mirror/site/mirror.log')).toMatch(/ n: synced .*\n$/);
    });
  },
);
