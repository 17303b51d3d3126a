import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Answer, type Bed } from '../bed/bed.js';
import { gated, liveSite, MIRROR, type LiveSite } from '../bed/site.js';

const STATE = '/var/lib/mirror';
/** Where the words of a package lie, by its id. */
const WORDS = ['state', 'hold', 'history', 'baseline', 'incident', 'request'];
const wordsOf = (directory: string, id: string): string =>
  `${STATE}/${directory}/${id}.${directory === 'history' ? 'jsonl' : 'json'}`;

/** Real commands of root's against what the mirror user puts in their way. */
describe.skipIf(noBed !== null)(
  `apply as root${noBed === null ? '' : ` (skipped: ${noBed})`} against a hostile mirror user`,
  () => {
    let bed: Bed;
    let site: LiveSite;
    beforeAll(async () => {
      bed = await bootBed();
      site = liveSite(bed);
      site.configure([gated('one', 'PT6H')]);
      site.must('setup');
      bed.must('sh', '-c', 'mkdir -m 700 /root/s; echo TOPSECRET >/root/s/key; chmod 600 /root/s/key');
    });
    afterAll(() => bed.stop());

    /** A site with nothing known of it but the package `one`. */
    beforeEach(() => {
      bed.must('sh', '-c', `rm -rf /srv/m /srv/ftp/* /etc/mirror/compiled/* ${STATE}/stat* && mkdir /srv/m`);
      bed.must('sh', '-c', 'cd /etc/systemd/system && rm -rf mirror* *.wants/mirror*');
      // A tick would repair a state before apply sees it.
      bed.run('systemctl', 'stop', 'mirror-tick.timer');
      bed.must('sh', '-c', `rm -rf ${STATE}/state && rm -rf ${STATE}/*/*.json*`);
      site.configure([gated('one', 'PT6H')]);
      site.must('setup');
      site.must('apply');
      bed.must('chown', 'mirror:mirror', '/srv/m');
    });

    const asMirror = ['setpriv', '--reuid=mirror', '--regid=mirror', '--init-groups', '--'];
    /** Runs a shell command as the mirror user. */
    const plant = (script: string): void => void bed.must(...asMirror, 'sh', '-c', script);
    /** What the mirror user can read below its own directory. */
    const leaked = (): string =>
      bed.run(...asMirror, 'grep', '-rsl', '-e', 'TOPSECRET', '-e', 'root:', STATE, '/srv/m').stdout.trim();
    /** An apply that must end: it holds a lock that keeps out every other one. */
    const apply = (...words: string[]): Answer => {
      const answer = bed.run('timeout', '30', MIRROR, 'apply', ...words);
      expect(answer.status).not.toBe(124);
      return answer;
    };
    const rename = (): Answer => {
      const renamed = gated('uno', 'PT6H', { renamed_from: 'one' }) as { settings: object };
      site.configure([{ ...renamed, settings: { ...renamed.settings, dst: '/srv/ftp/one' } }]);
      return apply();
    };
    const factsOf = (path: string): string => bed.run('stat', '-c', '%F %a %U', path).stdout.trim();

    const plants: [string, (path: string) => void][] = [
      ['links to a file of root’s', (path) => plant(`rm -f ${path}; ln -s /root/s/key ${path}`)],
      ['links to a file with a hash of root’s', (path) => plant(`rm -f ${path}; ln -s /etc/shadow ${path}`)],
      ['FIFOs', (path) => plant(`rm -f ${path}; mkfifo ${path}`)],
      ['endless files', (path) => plant(`rm -f ${path}; ln -s /dev/zero ${path}`)],
      ['what is no JSON', (path) => plant(`rm -f ${path}; echo '{"since":' >${path}`)],
      // As the mirror user could where fs.protected_hardlinks is 0.
      ['second names of a file of root’s', (path) => void bed.must('ln', '-f', '/root/s/key', path)],
    ];
    it.each(plants)('carries nothing over to a new id from %s', (_, put) => {
      for (const directory of WORDS) put(wordsOf(directory, 'one'));
      const { status, stderr } = rename();
      expect([status, stderr]).toEqual([0, expect.anything()]);
      for (const directory of WORDS.filter((name) => name !== 'baseline')) {
        expect(stderr).toContain(`${wordsOf(directory, 'one')} cannot be understood`);
        expect(factsOf(wordsOf(directory, 'uno')), directory).toBe('');
      }
      expect(leaked()).toBe('');
      expect(factsOf('/root/s/key')).toBe('regular file 600 root');
      bed.must('sh', '-c', `rm -f ${WORDS.map((directory) => wordsOf(directory, 'one')).join(' ')}`);
    });

    it('carries over what parses, as the mirror user, with modes of its own', () => {
      const hold = { since: 1, until: null, by: 'alice', reason: 'disk' };
      plant(`echo '${JSON.stringify({ ...hold, more: 'x' })}' >${wordsOf('hold', 'one')}`);
      plant(`chmod 6777 ${wordsOf('hold', 'one')}`);
      expect(rename()).toMatchObject({ status: 0 });
      expect(JSON.parse(site.read(wordsOf('hold', 'uno')))).toEqual(hold);
      expect(factsOf(wordsOf('hold', 'uno'))).toBe('regular file 664 mirror');
      expect(factsOf(wordsOf('hold', 'one'))).toBe('');
      expect(factsOf(`${STATE}/locks/run-one`)).toBe('regular empty file 664 mirror');
    });

    it.each([
      ['a link to a file of root’s', `ln -s /root/s/key`],
      ['a link to the hashes', 'ln -s /etc/shadow'],
      ['an endless file', 'ln -s /dev/zero'],
      ['a FIFO', 'mkfifo'],
    ])('takes no history from %s in place of a stat.json', (_, put) => {
      plant(`${put} ${STATE}/stat2.json`);
      site.configure([gated('one', 'PT6H')], { statfile: `${STATE}/stat2.json` });
      expect(apply().status).toBe(0);
      // Nor at a first apply.
      bed.must('sh', '-c', `rm -rf /etc/mirror/compiled/* ${STATE}/state/* /etc/systemd/system/mirror*`);
      bed.must('sh', '-c', 'rm -f /etc/systemd/system/*.wants/mirror*');
      site.must('setup');
      plant(`rm -f ${STATE}/stat2.json; ${put} ${STATE}/stat2.json`);
      expect(apply().status).toBe(0);
      expect(bed.run('sh', '-c', `ls ${STATE} | grep bak`).stdout).toBe('');
      expect(leaked()).toBe('');
    });

    it('writes nothing through a state directory that leads elsewhere', () => {
      for (const directory of ['baseline', 'state', 'locks']) {
        const before = bed.must('sh', '-c', 'cd /etc/mirror/compiled/jobs && md5sum *');
        plant(
          `mv ${STATE}/${directory} ${STATE}/old && ln -s /etc/mirror/compiled/jobs ${STATE}/${directory}`,
        );
        site.configure([gated('one', 'PT1H')]);
        expect(rename()).toMatchObject({
          status: 77,
          stderr: expect.stringContaining(`${STATE}/${directory}`) as string,
        });
        expect(site.mirror('setup').stderr).toContain(`${STATE}/${directory} is no directory: move it away`);
        expect(bed.must('sh', '-c', 'cd /etc/mirror/compiled/jobs && md5sum *')).toBe(before);
        plant(`rm ${STATE}/${directory} && mv ${STATE}/old ${STATE}/${directory}`);
      }
    });

    it('puts everything back, the words of the state directory too, when a later step fails', () => {
      const hold = JSON.stringify({ since: 1, until: null, by: 'alice', reason: 'disk' });
      plant(`echo '${hold}' >${wordsOf('hold', 'one')}`);
      bed.must('mv', '/usr/bin/systemctl', '/usr/bin/systemctl.away');
      bed.write(
        '/usr/bin/systemctl',
        '#!/bin/sh\n[ "$1" != daemon-reload ] || exit 1\nexec systemctl.away "$@"\n',
        0o755,
      );
      const { status, stderr } = rename();
      bed.must('mv', '/usr/bin/systemctl.away', '/usr/bin/systemctl');
      expect(stderr).toContain('systemctl daemon-reload failed');
      expect(status).toBe(74);
      expect(JSON.parse(site.read(wordsOf('hold', 'one')))).toEqual(JSON.parse(hold));
      expect(factsOf(wordsOf('hold', 'one'))).toBe('regular file 644 mirror');
      expect(factsOf(wordsOf('hold', 'uno'))).toBe('');
      bed.must('systemctl', 'daemon-reload');
      expect(apply().status).toBe(0);
      expect(JSON.parse(site.read(wordsOf('hold', 'uno')))).toEqual(JSON.parse(hold));
    });

    it('names the link of another user that a dst lies behind, and makes nothing there', () => {
      plant('ln -s /etc /srv/m/sub');
      const { status, stderr } = applyTo('/srv/m/sub/one');
      expect(stderr).toMatch(
        /\/srv\/m\/sub\/one lies behind \/srv\/m\/sub, a link of uid \d+, which root does/,
      );
      expect(status).toBe(77);
      expect(site.exists('/etc/one')).toBe(false);
    });

    const applyTo = (dst: string): Answer => {
      const one = gated('one', 'PT6H') as { settings: object };
      site.configure([{ ...one, settings: { ...one.settings, dst } }]);
      return apply('--refetch');
    };

    it('makes a dst for the package’s user within a directory of that user’s', () => {
      plant('mkdir /srv/m/sub');
      expect(applyTo('/srv/m/sub/one')).toMatchObject({ status: 0 });
      expect(factsOf('/srv/m/sub/one')).toBe('directory 755 mirror');
    });

    it('makes and gives away nothing elsewhere while its dst’s parent changes under its hands', () => {
      bed.must('mkdir', '-p', '/srv/t/etc');
      bed.must('chmod', '755', '/srv/t/etc');
      const swap = 'mkdir sub; while [ -e go ]; do mv sub d; ln -s /srv/t/etc sub; rm sub; mv d sub; done';
      plant(`cd /srv/m && touch go && (${swap}) >/dev/null 2>&1 &`);
      const ends = Array.from({ length: 8 }, (_, round) => applyTo(`/srv/m/sub/d${String(round)}`).status);
      bed.must('rm', '/srv/m/go');
      expect(bed.must('find', '/srv/t', '-mindepth', '2')).toBe('');
      expect(factsOf('/srv/t/etc')).toBe('directory 755 root');
      for (const end of ends) expect([0, 74, 77]).toContain(end);
    });
  },
);
