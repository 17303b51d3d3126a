import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { MIRROR, gated, liveSite, pkg, serveUpstream, type LiveSite } from '../bed/site.js';

/** Of the crowd; one more slot is taken by the package that outlasts its slots. */
const CONCURRENT = 2;
const HOURS = 3 * 3_600_000;
/** Slots half an hour ago and half an hour from now: none comes during the test. */
const AWAY = { phase: `PT${String(Math.floor(Date.now() / 60_000 + 30) % 60)}M` };
/** Thirty packages on three upstreams, which are three addresses of one daemon. */
const CROWD = Array.from({ length: 30 }, (_, n) => ({
  id: `crowd-${String(n)}`,
  host: `127.0.0.${String(1 + (n % 3))}`,
}));
const SKIPPED = noBed === null ? '' : ` (skipped: ${noBed})`;

describe.skipIf(noBed !== null)(`runs on a live systemd${SKIPPED}`, () => {
  let bed: Bed;
  let site: LiveSite;

  const unit = (id: string): string => `mirror-sync-${id}.service`;
  const isActive = (id: string): boolean => site.show(unit(id), 'ActiveState') !== 'inactive';

  /** The rsync clients inside that speak to an upstream: pid and upstream. Their own children do not count. */
  const clients = (): Map<string, string> => {
    const found = new Map<string, { host: string; parent: string }>();
    for (const pid of readdirSync(join(bed.root, 'proc')).filter((name) => /^\d+$/.test(name))) {
      const host = /^rsync\0.*rsync:\/\/([^/:]+)\/pub/s.exec(text(`proc/${pid}/cmdline`))?.[1];
      const parent = / \S \d+ /.exec(text(`proc/${pid}/stat`))?.[0].split(' ')[2] ?? '';
      if (host !== undefined) found.set(pid, { host, parent });
    }
    return new Map(
      [...found].filter(([, { parent }]) => !found.has(parent)).map(([pid, { host }]) => [pid, host]),
    );
  };
  const text = (path: string): string => {
    try {
      return readFileSync(join(bed.root, path), 'utf8');
    } catch {
      return '';
    }
  };

  /** `mended` runs that line of a shell. */
  const configure = (line: string): void => {
    const command = {
      synctype: 'command',
      settings: { src: '', options: { command: ['/bin/sh', '-c', line] } },
    };
    site.configure(
      [
        ...CROWD.map(({ id, host }) =>
          pkg(id, 'PT1H', { ...AWAY, settings: { src: `rsync://${host}/pub/${id}` } }),
        ),
        gated('over', 'PT1M', { phase: 'PT0M' }),
        ...['pushed', 'ended', 'kept'].map((id) => gated(id, 'PT1H', AWAY)),
        pkg('mended', 'PT1H', { ...AWAY, ...command, retry: { delay: 'PT5S' } }),
      ],
      { limits: { concurrent: CONCURRENT + 1, per_upstream: 1 } },
    );
  };

  beforeAll(async () => {
    bed = await bootBed();
    site = liveSite(bed);
    // Each transfer takes a while.
    serveUpstream(
      bed,
      site,
      CROWD.map(({ id }) => id),
      'pre-xfer exec = /bin/sleep 0.3\n',
    );
    configure('exit 69');
    site.must('setup');
    site.must('apply');
  });
  afterAll(() => bed.stop());

  let served = 0;

  it('begin when a slot is due, and last as long as they must', async () => {
    site.gate('over', 'shut');
    site.wake(['over'], HOURS);
    await site.until('it runs', () => site.runs('over') === 1);
    served = Date.now();
  });

  it('never exceed the limits, all finish, and who waits can be seen', async () => {
    site.wake(
      CROWD.map(({ id }) => id),
      HOURS,
    );
    const most = { site: 0, upstream: 0 };
    let waiting = '';
    const end = Date.now() + 60_000;
    while (CROWD.some(({ id }) => site.history(id).length === 0)) {
      if (Date.now() > end) throw new Error(site.mirror('status').stdout);
      // Who is there before and after a look was there at one and the same time.
      const [first, then] = [clients(), clients()];
      const hosts = [...first].filter(([pid]) => then.has(pid)).map(([, host]) => host);
      most.site = Math.max(most.site, hosts.length);
      for (const host of hosts)
        most.upstream = Math.max(most.upstream, hosts.filter((other) => other === host).length);
      if (waiting === '' && hosts.length === CONCURRENT) waiting = site.must('status');
      await sleep(30);
    }
    expect(most).toEqual({ site: CONCURRENT, upstream: 1 });
    expect(waiting).toMatch(
      /^crowd-\d+ +waiting .*waiting for a slot of (127\.0\.0\.\d|this site) \(limits\./m,
    );
    for (const { id } of CROWD)
      expect(site.history(id), id).toMatchObject([{ outcome: 'synced', trigger: 'schedule' }]);
    await site.until(
      'nobody waits any more',
      () => readdirSync(join(bed.root, 'var/lib/mirror/waiting')).length === 0,
    );
  });

  it('that are asked for twice during a run are followed by exactly one more', async () => {
    site.gate('pushed', 'shut');
    site.must('start', 'pushed');
    await site.until('pushed runs', () => site.runs('pushed') === 1);
    site.must('push', 'pushed');
    site.must('push', 'pushed');
    site.gate('pushed', 'open');
    await site.until(
      'pushed ran again',
      () => site.history('pushed').length === 2 && !isActive('pushed'),
      30,
    );
    expect(site.runs('pushed')).toBe(2);
  });

  it('that somebody stops end as stopped: no failure, no retry, no SYNC', async () => {
    site.gate('ended', 'shut');
    site.wake(['ended'], HOURS);
    await site.until('it runs', () => site.status('ended').status === 'syncing');
    const said = ['/tmp/first', '/tmp/second'];
    const request = '/var/lib/mirror/request/ended.json';
    const asked = (): string => (site.exists(request) ? site.read(request) : '');
    for (const file of said) {
      const before = asked();
      bed.must('sh', '-c', `${MIRROR} run ended >${file} 2>&1 &`);
      await site.until('it is asked for', () => asked() !== before);
    }
    site.must('stop', 'ended');
    await site.until('its unit has ended', () => !isActive('ended'));
    for (const file of said) {
      await site.until('whoever waits is told', () => site.read(file).includes('\n'));
      expect(site.read(file)).toContain('ended: stopped: stopped by root');
    }
    expect(site.show(unit('ended'), 'Result')).toBe('success');
    expect(site.history('ended')).toMatchObject([{ outcome: 'stopped', trigger: 'schedule' }]);
    expect(site.status('ended').status).toBe('stopped');
    const published = JSON.parse(site.read('/var/www/mirror/status.json')) as Record<
      string,
      { status: string }
    >;
    expect(published.ended?.status).toBe('UNKNOWN');
    expect(clients().size).toBe(0);
  });

  it('whose executor hangs are ended by systemd, and the state tells', async () => {
    const dropIn = `/etc/systemd/system/${unit('ended')}.d/short.conf`;
    site.write(dropIn, '[Service]\nRuntimeMaxSec=5\nTimeoutStopSec=1\n');
    bed.must('systemctl', 'daemon-reload');
    const runs = site.runs('ended');
    site.must('start', 'ended');
    await site.until('it runs', () => site.runs('ended') > runs);
    bed.must('kill', '-STOP', site.show(unit('ended'), 'MainPID'));
    await site.until('its unit has failed', () => site.show(unit('ended'), 'ActiveState') === 'failed');
    expect(site.show(unit('ended'), 'Result')).toBe('timeout');
    expect(site.history('ended')[1]).toMatchObject({ outcome: 'interrupted', trigger: 'request' });
    expect(site.status('ended').run).toBeNull();
    bed.must('rm', dropIn);
    bed.must('systemctl', 'daemon-reload');
  });

  it('do not begin while their package is held, by timer or by hand, and an apply does not change that', async () => {
    site.must('hold', 'kept', '--reason', 'disk on order');
    site.must('apply');
    site.wake(['kept'], HOURS);
    await site.until(
      'the timer has fired',
      () => site.show(unit('kept'), 'ExecMainExitTimestampMonotonic') !== '0',
    );
    expect(site.show(unit('kept'), 'Result')).toBe('success');
    expect(site.must('run', 'kept')).toContain('held');
    expect([site.runs('kept'), site.status('kept').status]).toEqual([0, 'held']);
    site.must('unhold', 'kept');
    site.must('run', 'kept');
    expect(site.runs('kept')).toBe(1);
  });

  it('that sleep before a retry leave it to what was applied meanwhile, in its own unit', async () => {
    site.wake(['mended'], HOURS);
    await site.until('it sleeps', () => site.status('mended').run?.until != null);
    const first = site.show(unit('mended'), 'InvocationID');
    configure('echo run >>runs');
    site.must('apply');
    await site.until('it ran again', () => site.runs('mended') === 1 && !isActive('mended'));
    expect(site.history('mended')).toMatchObject([
      { outcome: 'failed', trigger: 'schedule' },
      { outcome: 'synced', trigger: 'request' },
    ]);
    expect(site.show(unit('mended'), 'InvocationID')).not.toBe(first);
  });

  it('say so where the place of their logs is gone, and what is published tells it', () => {
    const base = site.job('kept').log.base;
    bed.must('mv', base, `${base}.gone`);
    expect(site.mirror('run', 'kept').status).toBe(74);
    expect(site.must('status')).toMatch(/^kept +failed\b/m);
    expect(site.history('kept').at(-1)).toMatchObject({ outcome: 'failed', failure: 'io', log: null });
    expect(site.history('kept').at(-1)?.reason).toContain(base);
    bed.must('mv', `${base}.gone`, base);
    expect(site.mirror('run', 'kept').status).toBe(0);
  });

  it('that outlast their next slot are not followed by another for it', async () => {
    const next = Math.ceil(served / 60_000) * 60_000;
    await site.until('the next slot has passed', () => Date.now() > next + 1500, 70);
    expect([site.runs('over'), site.history('over').length]).toEqual([1, 0]);
    site.gate('over', 'open');
    await site.until('it has ended', () => !isActive('over') && site.history('over').length === 1);
    // systemd starts it once more, for the elapse that it missed; nothing is due then.
    await sleep(1500);
    expect([site.runs('over'), site.history('over').length]).toEqual([1, 1]);
    expect(site.show('mirror-sync-over.timer', 'ActiveState')).toBe('active');
  }, 100_000);
});
