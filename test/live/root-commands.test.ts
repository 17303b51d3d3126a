import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { gated, liveSite, MIRROR, type LiveSite } from '../bed/site.js';

const STATE = '/var/lib/mirror';
const JOB = '/etc/mirror/compiled/jobs/two.json';

/** What the mirror user prepares, and what root then calls: nothing of root's may change, be read or be ended. */
describe.skipIf(noBed !== null)(
  `commands that root calls${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  () => {
    let bed: Bed;
    let site: LiveSite;
    const asMirror = (...argv: string[]): string => bed.must('runuser', '-u', 'mirror', '--', ...argv);
    /** Puts a link in the place of a directory or file that the mirror user owns. */
    const plant = (target: string, place: string): void => {
      asMirror('mv', place, `${place}.own`);
      asMirror('ln', '-s', target, place);
    };
    const restore = (place: string): void => {
      asMirror('rm', '-f', place);
      asMirror('mv', `${place}.own`, place);
    };
    /** Mode, owner and content of every file below root's directories. */
    const ofRoot = (): string =>
      bed.must(
        'sh',
        '-c',
        'find /root/t /etc/mirror/compiled -not -path "*/history.jsonl" -type f -exec stat -c "%n %a %U %s" {} + -exec sha256sum {} + | sort',
      );

    beforeAll(async () => {
      bed = await bootBed();
      site = liveSite(bed);
      site.configure([gated('one', 'PT6H'), gated('two', 'PT6H')]);
      site.must('setup');
      site.must('apply');
    });
    afterAll(() => bed.stop());
    beforeEach(() => {
      site.write('/root/t/two.json', 'precious\n', 0o600);
      site.write('/root/t/publish', 'precious\n', 0o600);
    });

    it.each([
      ['request', '/etc/mirror/compiled/jobs', ['push', 'two']],
      ['request', '/etc/mirror/compiled/jobs', ['start', 'two']],
      ['request', '/root/t', ['run', 'two']],
      ['request', '/root/t', ['stop', 'two']],
      ['hold', '/etc/mirror/compiled/jobs', ['hold', 'two', '--reason', 'x']],
      ['hold', '/root/t', ['unhold', 'two']],
      ['locks', '/root/t', ['hold', 'two']],
      ['stop', '/root/t', ['stop', 'two']],
      ['state', '/root/t', ['publish']],
      ['state', '/root/t', ['status']],
    ])('write, unlink and open nothing through the link %s -> %s: mirror %j', (name, target, words) => {
      const place = `${STATE}/${name}`;
      const before = ofRoot();
      plant(target, place);
      site.mirror(...words);
      restore(place);
      expect(ofRoot()).toBe(before);
      expect(bed.read(JOB)).toContain('"id": "two"');
    });

    it('take neither owner nor mode from a link in the place of a published file', () => {
      const published = '/var/www/mirror/status.json';
      plant('/usr/bin/su', published);
      site.mirror('hold', 'two');
      site.mirror('unhold', 'two');
      const [mode, user] = bed.must('stat', '-c', '%a %U', published).trim().split(' ');
      expect(mode).toBe('644');
      expect(user).toBe('mirror');
      expect(bed.must('stat', '-c', '%a %U', '/usr/bin/su').trim()).toBe('4755 root');
    });

    it('stop no process that a state file names', () => {
      bed.must('systemd-run', '--quiet', '--unit=victim', 'sleep', '1000');
      const pid = Number(site.show('victim', 'MainPID'));
      const stat = bed.must('cat', `/proc/${String(pid)}/stat`);
      const start = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
      const bootId = bed.must('cat', '/proc/sys/kernel/random/boot_id').trim();
      site.must('run', 'two');
      const state = JSON.parse(bed.read(`${STATE}/state/two.json`)) as object;
      const run = { pid, pid_start: start, boot_id: bootId, started: Date.now(), phase: 'running' };
      const forged = { ...state, run: { ...run, trigger: 'request', src: null, log: null, until: null } };
      site.write('/tmp/forged.json', JSON.stringify(forged), 0o644);
      asMirror('cp', '/tmp/forged.json', `${STATE}/state/two.json`);
      const { stdout } = site.mirror('stop', 'two');
      expect(site.show('victim', 'ActiveState')).toBe('active');
      expect(stdout).not.toContain('two: stopped');
      // As long as it lives, the state says that a run is going on.
      bed.must('systemctl', 'stop', 'victim');
      site.must('publish');
    });

    it('print no file that a state file names', () => {
      const state = JSON.parse(bed.read(`${STATE}/state/two.json`)) as { last: object };
      const forged = { ...state, last: { ...state.last, log: '/etc/shadow' } };
      site.write('/tmp/forged.json', JSON.stringify(forged), 0o644);
      asMirror('cp', '/tmp/forged.json', `${STATE}/state/two.json`);
      asMirror('rm', '-f', `${STATE}/history/two.jsonl`);
      const { stdout } = site.mirror('logs', 'two');
      expect(stdout).not.toContain('root:');
    });

    it('need no call that changes the user of a process: some builds of Node refuse them all', () => {
      const calls = ['setuid', 'setgid', 'seteuid', 'setegid', 'setgroups', 'initgroups'];
      const refuse = calls.map(
        (call) => `process.${call} = () => { throw new Error('${call}() disabled'); };`,
      );
      site.write('/opt/mirror/refuse.cjs', refuse.join('\n'), 0o644);
      const mirror = (...words: string[]): unknown =>
        bed.run('env', 'NODE_OPTIONS=--require=/opt/mirror/refuse.cjs', MIRROR, ...words);
      site.configure([gated('one', 'PT6H'), gated('two', 'PT6H')], { scheduler: 'crontab' });
      expect(mirror('apply')).toMatchObject({
        status: 0,
        stderr: expect.not.stringContaining('failed') as string,
      });
      for (const words of [
        ['run', 'one'],
        ['run', '--scheduled', 'two'],
        ['publish'],
        ['hold', 'one'],
        ['unhold', 'one'],
        ['notify'],
      ])
        expect(mirror(...words), words.join(' ')).toMatchObject({ status: 0 });
      expect(bed.must('stat', '-c', '%U', '/srv/ftp/one/runs').trim()).toBe('mirror');
      site.configure([gated('one', 'PT6H'), gated('two', 'PT6H')]);
      site.must('apply');
    });

    it('give the mirror user neither root’s terminal nor its environment', () => {
      const look =
        'ls -l /proc/$PPID/fd >descriptors; ' +
        "tr '\\0' '\\n' </proc/$PPID/environ >environment; cut -d' ' -f7 </proc/$PPID/stat >terminal";
      const spy = {
        ...gated('spy', 'PT6H'),
        settings: { hidden: false, src: '', dst: '/srv/ftp/spy', options: { command: ['sh', '-c', look] } },
      };
      site.configure([gated('one', 'PT6H'), gated('two', 'PT6H'), spy], { scheduler: 'crontab' });
      site.must('apply');
      const run = `TOKEN=of-root ${MIRROR} run spy`;
      // script(1) gives it a terminal.
      const onTerminal = bed.run('script', '--quiet', '--return', '--command', run, '/dev/null');
      expect(onTerminal.status).toBe(0);
      expect(onTerminal.stdout).toContain('spy');
      expect(bed.read('/srv/ftp/spy/descriptors')).toContain('socket:');
      expect(bed.read('/srv/ftp/spy/descriptors')).not.toMatch(/pts|tty/);
      expect(bed.read('/srv/ftp/spy/environment')).not.toContain('of-root');
      expect(bed.read('/srv/ftp/spy/environment')).toContain('PATH=');
      expect(bed.read('/srv/ftp/spy/terminal').trim()).toBe('0');
      site.configure([gated('one', 'PT6H'), gated('two', 'PT6H')]);
      site.must('apply', '--allow-removals', '1');
    });

    it('read no secret for the mirror user through a link that this user made', () => {
      const at = '/etc/mirror/keys/password';
      const spy = {
        ...gated('spy', 'PT6H'),
        synctype: 'rsync',
        settings: {
          hidden: false,
          src: 'rsync://me@127.0.0.1:1/pub/spy',
          dst: '/srv/ftp/spy',
          options: { password_file: at },
        },
      };
      site.write(at, 'hunter2\n', 0o600);
      site.configure([gated('one', 'PT6H'), gated('two', 'PT6H'), spy], { scheduler: 'crontab' });
      site.must('apply');
      bed.must('chown', '-R', 'mirror:mirror', '/etc/mirror/keys');
      asMirror('ln', '-sf', '/root/t/two.json', at);
      const { stdout, stderr } = site.mirror('run', 'spy');
      expect(stdout + stderr).toContain('is a link');
      expect(stdout + stderr).not.toContain('precious');
      for (const scheduler of ['crontab', 'systemd', 'daemon']) {
        const renamed = { ...spy, name: `spy on ${scheduler}` };
        site.configure([gated('one', 'PT6H'), gated('two', 'PT6H'), renamed], { scheduler });
        expect(site.mirror('apply')).toMatchObject({
          status: 77,
          stderr: expect.stringContaining('help: keep it below /etc/mirror/secrets') as string,
        });
      }
      const notify = { webhook_file: at };
      site.configure([gated('one', 'PT6H'), gated('two', 'PT6H')], { notify });
      expect(site.mirror('apply', '--allow-removals', '1').stderr).toContain(
        `${at} is a secret in a directory`,
      );
      site.configure([gated('one', 'PT6H'), gated('two', 'PT6H')]);
      site.must('apply', '--allow-removals', '1');
    });

    it('refuse a state below --root that is another user’s, and name the user', () => {
      const root = '/root/image';
      bed.must('mkdir', '-p', `${root}/etc/mirror`);
      bed.must('cp', '-a', '/etc/mirror/compiled', `${root}/etc/mirror/`);
      bed.must('mkdir', '-p', `${root}/var/lib`);
      bed.must('cp', '-a', '/var/lib/mirror', `${root}/var/lib/`);
      bed.must(
        'sh',
        '-c',
        `chown -R root:root ${root}/etc; sed -i -E 's#"/(srv|var)/#"${root}/\\1/#g' ${root}/etc/mirror/compiled/jobs/two.json; sed -i 's#"/etc/mirror#"${root}/etc/mirror#g' ${root}/etc/mirror/compiled/site.json`,
      );
      for (const words of [['hold', 'two'], ['status'], ['publish'], ['run', 'two']]) {
        const { status, stderr } = bed.run(MIRROR, ...words, '--root', root);
        expect(stderr, words.join(' ')).toContain(`${root}/var/lib/mirror belongs to uid `);
        expect(stderr, words.join(' ')).toContain('help: call mirror as that user: setpriv --reuid=');
        expect(status, words.join(' ')).toBe(77);
      }
    });

    it('name the person who called them', () => {
      site.must('hold', 'two');
      expect(site.mirror('status', 'two').stdout).toContain('root');
      bed.must('env', 'SUDO_USER=kim', MIRROR, 'hold', 'two');
      expect(site.mirror('status', 'two').stdout).toContain('kim');
      site.must('unhold', 'two');
    });
  },
);
