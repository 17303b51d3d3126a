import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { gated, liveSite, type LiveSite } from '../bed/site.js';

const STATE = '/var/lib/mirror';
const LOGS = '/var/log/mirror/packages';

/** Each user with a group of its own; null is the site's user. */
const USERS = { a: 'alice', b: 'bob', m: null };

describe.skipIf(noBed !== null)(
  `packages whose users have groups of their own${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  () => {
    let bed: Bed;
    let site: LiveSite;

    const configure = (
      users: Readonly<Record<string, string | null>>,
      more: Readonly<Record<string, unknown>> = {},
    ): void => {
      const packages = Object.entries(users).map(([id, user]) =>
        gated(id, 'PT6H', user === null ? {} : { user, group: user }),
      );
      site.configure(packages, more);
    };
    const as = (user: string, ...argv: string[]) =>
      bed.run('setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--', ...argv);
    /** What a user can write below these places, itself included. */
    const writable = (user: string): string[] =>
      as(
        user,
        'find',
        STATE,
        '/var/log/mirror',
        '/var/www/mirror',
        '/srv/ftp',
        '-writable',
        '!',
        '-type',
        'l',
      )
        .stdout.split('\n')
        .filter(Boolean);
    const run = (id: string): [number | null, string] => {
      const { status, stderr } = site.mirror('run', id);
      return [status, stderr];
    };
    const published = (): Record<string, { status: string }> =>
      JSON.parse(site.read('/var/www/mirror/status.json')) as Record<string, { status: string }>;

    beforeAll(async () => {
      bed = await bootBed();
      site = liveSite(bed);
      configure(USERS);
      site.must('setup');
      expect(site.must('setup')).toBe('Everything is in place.\n');
      site.must('apply');
    });
    afterAll(() => bed.stop());

    it('run, and what they did is published', () => {
      for (const id of Object.keys(USERS)) expect(run(id), id).toEqual([0, '']);
      for (const id of Object.keys(USERS)) expect(published()[id], id).toMatchObject({ status: 'ACTIVE' });
      expect(site.exists(`${STATE}/state/m.json`)).toBe(true);
      expect(site.exists(`${STATE}/state/a.json`)).toBe(false);
    });

    it('can write their own dst, state and logs, and nothing of anybody else', () => {
      const own = new RegExp(`^(${STATE}/users/alice/|${LOGS}/users/alice(/|$)|/srv/ftp/a(/|$))`);
      const found = writable('alice');
      expect(found.filter((path) => !own.test(path))).toEqual([]);
      expect(found).toEqual(expect.arrayContaining([`${STATE}/users/alice/state`, '/srv/ftp/a']));
    });

    it('cannot hold the lock of another package, nor put a word where it would be believed', () => {
      for (const lock of [`${STATE}/locks/run-m`, `${STATE}/users/bob/locks/run-b`])
        expect(as('alice', 'flock', '-n', lock, 'true').status, lock).not.toBe(0);
      const hold = '{"since":0,"until":null,"by":"alice","reason":null}';
      as('alice', 'sh', '-c', `for id in b m; do echo '${hold}' >${STATE}/users/alice/hold/$id.json; done`);
      expect(run('b')).toEqual([0, '']);
      expect(run('m')).toEqual([0, '']);
      site.must('publish');
      expect(published().b).toMatchObject({ status: 'ACTIVE' });
    });

    it('are held, stopped and repaired by the site’s user', async () => {
      site.must('hold', 'a', '--reason', 'disk');
      expect(site.status('a')).toMatchObject({ status: 'held' });
      site.must('unhold', 'a');
      site.gate('a', 'shut');
      site.must('start', 'a');
      await site.until('it runs', () => site.status('a').run !== null);
      site.must('stop', 'a');
      expect(site.status('a')).toMatchObject({ run: null, last: { outcome: 'stopped' } });
      site.must('start', 'a');
      await site.until('it runs again', () => site.status('a').run !== null);
      bed.must('systemctl', 'kill', '--kill-whom=all', '--signal=KILL', 'mirror-sync-a.service');
      await site.until('it is recorded', () => site.status('a').last?.outcome === 'interrupted');
      site.gate('a', 'open');
      expect(run('a')).toEqual([0, '']);
    });

    it('share limits with all others', async () => {
      configure(USERS, { limits: { concurrent: 1 } });
      site.must('apply');
      site.gate('m', 'shut');
      site.must('start', 'm');
      await site.until('it runs', () => site.status('m').run !== null);
      site.must('start', 'a');
      const slot = 'waiting for a slot of this site (limits.concurrent)';
      await site.until('the other one waits', () => site.status('a').run?.waits_for === slot);
      site.gate('m', 'open');
      await site.until('both are over', () => ['a', 'm'].every((id) => site.status(id).run === null));
      expect(site.status('a').last).toMatchObject({ outcome: 'synced' });
    });

    it('keep their state when another user takes over, in both directions', () => {
      const before = [...site.history('m')].length;
      configure({ ...USERS, m: 'bob' });
      bed.must('chown', '-R', 'bob:bob', '/srv/ftp/m');
      site.must('apply');
      expect(site.exists(`${STATE}/state/m.json`)).toBe(false);
      expect(site.read(`${STATE}/users/bob/history/m.jsonl`).trim().split('\n')).toHaveLength(before);
      expect(run('m')).toEqual([0, '']);
      configure(USERS);
      bed.must('chown', '-R', 'mirror:mirror', '/srv/ftp/m');
      site.must('apply');
      expect(site.history('m')).toHaveLength(before + 1);
      expect(run('m')).toEqual([0, '']);
    });

    it('are told of by setup when the system has their user in the group of all', () => {
      bed.must('gpasswd', '-a', 'alice', 'mirror');
      expect(site.mirror('setup').stderr).toContain('alice is in the group mirror');
      bed.must('gpasswd', '-d', 'alice', 'mirror');
      bed.must('usermod', '-g', 'mirror', 'alice');
      const command = /files: (usermod .*)\n/.exec(site.mirror('setup').stderr)?.[1] ?? '';
      bed.must('sh', '-c', command);
      expect(site.must('setup')).toBe('Everything is in place.\n');
    });

    it('run on cron as well, whose runs start as root', () => {
      configure(USERS, { scheduler: 'crontab' });
      site.must('apply');
      for (const id of Object.keys(USERS)) expect(site.mirror('run', id).status, id).toBe(0);
      for (const id of Object.keys(USERS)) expect(published()[id], id).toMatchObject({ status: 'ACTIVE' });
      expect(bed.must('find', STATE, '/var/log/mirror', '-user', 'root', '-newer', '/srv/ftp/m/runs')).toBe(
        '',
      );
    });
  },
);
