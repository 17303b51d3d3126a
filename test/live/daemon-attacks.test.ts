import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Answer, type Bed } from '../bed/bed.js';
import { liveSite, MIRROR, pkg, type LiveSite } from '../bed/site.js';

const SKIPPED = noBed === null ? '' : ` (skipped: ${noBed})`;

/** Leaves word that it runs, and goes on until it is told to end. */
const SLEEPER = `#!/bin/sh
echo x >>runs
exec sleep 300
`;

const STATE = '/var/lib/mirror';

/**
 * What the mirror user, whom every sync's tool runs as, can do to a daemon that runs as root: it owns the state directory,
 * and may write there whatever it likes while the daemon works.
 */
describe.skipIf(noBed !== null)(`a root daemon and a hostile mirror user${SKIPPED}`, () => {
  let bed: Bed;
  let site: LiveSite;

  const command = (
    id: string,
    more: Readonly<Record<string, unknown>> = {},
  ): Readonly<Record<string, unknown>> =>
    pkg(id, '', {
      synctype: 'command',
      settings: { src: '', options: { command: ['/opt/mirror/sleeper'] } },
      ...more,
    });
  const asMirror = (script: string): Answer => bed.run('runuser', '-u', 'mirror', '--', 'sh', '-c', script);
  const must = (script: string): void => {
    const { status, stderr } = asMirror(script);
    expect(status, stderr).toBe(0);
  };
  /** Asks the daemon by its socket, as the mirror user: nothing in between that could refuse. */
  const ask = (request: string, args = '', seconds = 10): Answer => {
    const client = `
      import { MirrorClient } from '/opt/mirror/dist/client/client.js';
      const client = await MirrorClient.connect({ path: '/run/mirror/control.sock' });
      console.log(JSON.stringify(await client.${request}(${args})));
      client.close();`;
    site.write('/tmp/ask.mjs', client);
    const limited = ['timeout', String(seconds), 'node', '/tmp/ask.mjs'];
    return bed.run('runuser', '-u', 'mirror', '--', ...limited);
  };
  /** A unit of its own for each daemon: a run outlives one that is killed, and its unit with it. */
  let started = 0;
  const unit = (): string => `daemon-${String(started)}.service`;
  const daemonPid = (): string => site.show(unit(), 'MainPID');
  const said = (): string => {
    bed.must('journalctl', '--sync');
    const lines = bed.must('journalctl', '--no-pager', '-u', unit(), '-o', 'cat').split('\n');
    return lines.filter((line) => line.startsWith('mirror: ')).join('\n');
  };
  const lives = (pid: string): boolean => bed.run('kill', '-0', pid).status === 0;
  const startDaemon = async (): Promise<void> => {
    started += 1;
    bed.must(
      'systemd-run',
      '--quiet',
      `--unit=${unit()}`,
      '--property=KillMode=process',
      '--property=TimeoutStopSec=60',
      MIRROR,
      'daemon',
      '--no-apply',
    );
    await site.until('the daemon is up', () => said().includes('daemon started'));
    await site.until('it listens', () => ask('ping').stdout === '"pong"\n');
  };
  const signalDaemon = (name: string): void => {
    // Not kill(1): of a daemon that is gone the pid would be 0, which is everyone.
    bed.must('systemctl', 'kill', '--kill-whom=main', `--signal=${name}`, unit());
  };
  /** Tells the daemon to end; how many seconds that took. */
  const endDaemon = async (): Promise<number> => {
    const from = Date.now();
    signalDaemon('TERM');
    await site.until('the daemon is over', () => ['', '0'].includes(daemonPid()), 60);
    return (Date.now() - from) / 1000;
  };
  /** A process of root's that no mirror started. */
  const victim = (): string => {
    bed.must('systemd-run', '--quiet', '--unit=victim', 'sleep', '1000');
    return site.show('victim.service', 'MainPID');
  };
  /** Has the state name a process as the package's executor, in every detail that can be looked up. */
  const forge = (id: string, pid: string): void => {
    // Inside: a start is told by the clock of who asks.
    const stat = bed.must('cat', `/proc/${pid}/stat`);
    const start = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const boot = bed.must('cat', '/proc/sys/kernel/random/boot_id').trim();
    const run = {
      ...{ phase: 'running', pid: Number(pid), pid_start: start, boot_id: boot, started: Date.now() },
      ...{ trigger: 'schedule', src: null, log: null, until: null },
    };
    const state = { ...(JSON.parse(site.read(`${STATE}/state/${id}.json`)) as object), run };
    site.write('/tmp/forged', JSON.stringify(state));
    must(`cp /tmp/forged ${STATE}/state/${id}.json`);
  };

  beforeAll(async () => {
    bed = await bootBed();
    site = liveSite(bed);
    site.write('/opt/mirror/sleeper', SLEEPER, 0o755);
    bed.must('useradd', 'other');
    site.configure([command('one'), command('two'), command('foreign', { user: 'other' })], {
      scheduler: 'daemon',
    });
    site.must('setup');
    site.must('apply');
    // A state of each, to be forged.
    for (const id of ['one', 'two']) {
      asMirror(`timeout 1 ${MIRROR} run --here ${id}`);
      bed.must('rm', '-f', `/srv/ftp/${id}/runs`);
    }
    await startDaemon();
  });
  afterAll(() => bed.stop());

  it('writes nothing through a link in the place of its requests', () => {
    bed.must('mkdir', '-p', '/root/t2');
    site.write('/root/t2/two.json', 'precious');
    must(`mv ${STATE}/request ${STATE}/request.away && ln -s /root/t2 ${STATE}/request`);
    ask('startSync', "'two'");
    expect(site.read('/root/t2/two.json')).toBe('precious');
    expect(bed.must('ls', '/root/t2')).toBe('two.json\n');
    must(`rm ${STATE}/request && mv ${STATE}/request.away ${STATE}/request`);
  });

  it('locks nothing through a link in the place of its lock', async () => {
    await endDaemon();
    must(`rm -f ${STATE}/locks/daemon && ln -s /root/made ${STATE}/locks/daemon`);
    const { status } = bed.run('timeout', '10', MIRROR, 'daemon', '--no-apply');
    expect([status, bed.exists('/root/made')]).toEqual([73, false]);
    must(`mv ${STATE}/locks ${STATE}/locks.away && ln -s /root ${STATE}/locks`);
    expect(bed.run('timeout', '10', MIRROR, 'daemon', '--no-apply').status).toBe(73);
    expect(bed.exists('/root/daemon')).toBe(false);
    must(`rm ${STATE}/locks && mv ${STATE}/locks.away ${STATE}/locks && rm ${STATE}/locks/daemon`);
    await startDaemon();
  });

  it('signals no process that a state names, at no stop and not at its end', async () => {
    const pid = victim();
    forge('two', pid);
    ask('stopSync', "'two'", 45);
    expect(lives(pid)).toBe(true);
    forge('two', pid);
    expect(await endDaemon()).toBeLessThan(20);
    expect(lives(pid)).toBe(true);
    expect(said()).toMatch(/stopping, 0 runs to end\nmirror: stopped$/);
    bed.must('systemctl', 'stop', 'victim.service');
    await startDaemon();
  });

  it('does nothing for whom asks for what is not applied', () => {
    expect(ask('startSync', "'../../etc/x'").stderr).toContain('no package');
    expect(ask('stopSync', "'victim.service'").stderr).toContain('no package');
  });

  it('ends runs that others started, whoever they run as, and its own, by their proof', async () => {
    const ran = (id: string): boolean => bed.exists(`/srv/ftp/${id}/runs`);
    // By the daemon, by the mirror user, and by root for a package with a user of its own.
    expect(ask('startSync', "'one'").status).toBe(0);
    bed.must('systemd-run', '--quiet', '--uid=mirror', '--unit=mine', MIRROR, 'run', '--here', 'two');
    bed.must('systemd-run', '--quiet', '--unit=roots', MIRROR, 'run', '--here', 'foreign');
    for (const id of ['one', 'two', 'foreign']) await site.until(`${id} runs`, () => ran(id));
    expect(bed.must('stat', '-c', '%U', '/srv/ftp/foreign/runs')).toBe('other\n');
    expect(await endDaemon()).toBeLessThan(25);
    expect(said()).toMatch(/stopping, 3 runs to end\nmirror: stopped$/);
    for (const id of ['one', 'two', 'foreign']) {
      expect(site.history(id).at(-1), id).toMatchObject({ outcome: 'interrupted' });
      expect(site.status(id).run, id).toBeNull();
      bed.must('rm', `/srv/ftp/${id}/runs`);
    }
    await startDaemon();
  });

  it('stops its own run and one of a package with a user of its own', async () => {
    for (const id of ['one', 'foreign']) {
      expect(ask('startSync', `'${id}'`).status).toBe(0);
      await site.until(`${id} runs`, () => bed.exists(`/srv/ftp/${id}/runs`));
      expect(ask('stopSync', `'${id}'`, 45).stdout).toContain('"end":"stopped"');
      expect(site.history(id).at(-1)).toMatchObject({ outcome: 'stopped' });
      bed.must('rm', `/srv/ftp/${id}/runs`);
    }
  });

  it('runs nothing of its own in a place of the mirror user, and only the executor as that user', async () => {
    expect(ask('startSync', "'one'").status).toBe(0);
    await site.until('it runs', () => bed.exists('/srv/ftp/one/runs'));
    const below = bed.must('ps', '-o', 'user=,args=', '--ppid', daemonPid());
    expect(below).toMatch(/^mirror +\S*node \S+ run --scheduled one$/m);
    expect(below).toMatch(/^mirror +flock /m);
    expect(below).not.toMatch(/^root /m);
    expect(ask('stopSync', "'one'", 45).status).toBe(0);
    bed.must('rm', '/srv/ftp/one/runs');
  });

  it('answers and obeys while a FIFO lies in the place of a state', async () => {
    must(`cp ${STATE}/state/two.json /tmp/two.json && rm ${STATE}/state/two.json`);
    must(`mkfifo ${STATE}/state/two.json`);
    ask('status', '', 3);
    expect(ask('ping').stdout).toBe('"pong"\n');
    expect(await endDaemon()).toBeLessThan(20);
    expect(bed.run('pgrep', '-af', 'mirror.cjs').stdout).toBe('');
    await startDaemon();
    expect(ask('startSync', "'one'").status).toBe(0);
    await site.until('another package runs', () => bed.exists('/srv/ftp/one/runs'));
    must(`rm -f ${STATE}/state/two.json && cp /tmp/two.json ${STATE}/state/two.json`);
    ask('stopSync', "'one'", 45);
    bed.must('rm', '/srv/ftp/one/runs');
  });

  it('leaves no process behind when it is killed, but its runs', async () => {
    expect(ask('startSync', "'one'").status).toBe(0);
    await site.until('it runs', () => bed.exists('/srv/ftp/one/runs'));
    site.write(
      '/tmp/stay.mjs',
      `import { MirrorClient } from '/opt/mirror/dist/client/client.js';
       const client = await MirrorClient.connect({ path: '/run/mirror/control.sock' });
       await client.ping(); setInterval(() => {}, 1000);`,
    );
    bed.must('systemd-run', '--quiet', '--unit=stays', '--uid=mirror', 'node', '/tmp/stay.mjs');
    const serving = (): boolean => bed.run('pgrep', '-f', 'control --daemon').status === 0;
    await site.until('the connection is served', serving);
    signalDaemon('KILL');
    await site.until('only the run is left', () => !serving());
    expect(bed.run('pgrep', '-f', 'flock .*locks/daemon').status).toBe(1);
    expect(bed.run('pgrep', '-f', 'run --scheduled one').status).toBe(0);
    await startDaemon();
    expect(ask('stopSync', "'one'", 45).stdout).toContain('"end":"stopped"');
    await endDaemon();
  });
});
