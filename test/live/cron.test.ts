import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { BED, installProgram, serveClosedUpstream } from '../bed/site.js';
import { siteConfig } from '../support/site-config.js';
import { clockedCron, type ClockedCron } from './clocked-cron.js';

/** Two words for a shell; a `%`, which cron takes for a line end, is not allowed here. */
const HOME = '/opt/our own mirror';
const MIRROR = `${HOME}/dist/mirror.cjs`;
/** Named in the file's first line. */
const CONFIG = '/etc/mirror/100% config.json';

/** Notes its begin and end and stays until somebody says so: a tool whose runs can be counted. */
const TOOL = `#!/bin/sh
: >"$MIRROR_DST/file"
echo "begin $MIRROR_ID $(id -un) $(date +%s%N)" >>/srv/notes
if [ -e "/srv/long/$MIRROR_ID" ]; then while [ -e "/srv/long/$MIRROR_ID" ]; do sleep 0.05; done; else sleep 0.4; fi
echo "end $MIRROR_ID $(id -un) $(date +%s%N)" >>/srv/notes
`;

const UPSTREAMS = ['one', 'two', 'three'];
const CROWD = Array.from({ length: 30 }, (_, i) => `crowd-${String(i)}`);
const LIMITS = { concurrent: 4, per_upstream: 2 };

/** Slots were ten minutes ago and come in fifty: a test sees one, and nothing else becomes due meanwhile. */
const PHASE = `PT${String((new Date().getUTCMinutes() + 50) % 60)}M`;

function command(id: string, more: object = {}): object {
  return {
    name: `${id} 100%`,
    id,
    href: `/${id}`,
    synctype: 'command',
    syncrate: 'PT1H',
    phase: PHASE,
    guard: { min_free: '0%' },
    settings: {
      hidden: false,
      src: 'rsync://quiet.example.org/x',
      dst: `/srv/ftp/${id}`,
      options: { command: ['/opt/tool'] },
    },
    ...more,
  };
}

const SETTINGS = {
  scheduler: 'crontab',
  executable: MIRROR,
  uid: 'mirror',
  gid: 'mirror',
  localtimezone: 'Asia/Seoul',
  limits: LIMITS,
};

function config(packages: readonly object[]): string {
  const byId = Object.fromEntries(packages.map((each) => [(each as { id: string }).id, each]));
  return JSON.stringify(siteConfig(byId, SETTINGS, { ...BED, mirrorname: 'Cron 100%' }));
}

const PACKAGES = [
  command('archlinux', {
    synctype: 'rsync',
    settings: {
      hidden: false,
      src: 'rsync://127.0.0.1:8730/archlinux',
      dst: '/srv/ftp/archlinux',
      options: { user: 'me', password: 'hunter2' },
    },
  }),
  // Says on stderr what went wrong, and is not tried again.
  command('failing', {
    retry: { attempts: 1 },
    settings: {
      hidden: false,
      src: 'rsync://quiet.example.org/x',
      dst: '/srv/ftp/failing',
      options: { command: ['false'] },
    },
  }),
  ...['gtk+', 'overrun', 'pushed', 'stopped', 'held', 'killed'].map((id) => command(id)),
  ...CROWD.map((id, i) =>
    command(id, {
      settings: {
        hidden: false,
        src: `rsync://${String(UPSTREAMS[i % 3])}.example.org/x`,
        dst: `/srv/ftp/${id}`,
        options: { command: ['/opt/tool'] },
      },
    }),
  ),
];

interface Note {
  readonly what: string;
  readonly id: string;
  readonly user: string;
  readonly at: bigint;
}

describe.skipIf(noBed !== null)(`a live cron${noBed === null ? '' : ` (skipped: ${noBed})`}`, () => {
  let bed: Bed;
  let cron: ClockedCron;

  const notes = (id?: string): Note[] =>
    bed
      .read('/srv/notes')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '))
      .map(([what = '', of = '', user = '', at = '0']) => ({ what, id: of, user, at: BigInt(at) }))
      .filter((note) => id === undefined || note.id === id);
  const begins = (id: string): number => notes(id).filter(({ what }) => what === 'begin').length;
  const state = (id: string): { run: unknown; last: Record<string, unknown> | null } =>
    JSON.parse(bed.read(`/var/lib/mirror/state/${id}.json`)) as ReturnType<typeof state>;
  const outcome = (id: string): unknown =>
    bed.exists(`/var/lib/mirror/state/${id}.json`) && state(id).run === null
      ? state(id).last?.outcome
      : undefined;
  const status = (id: string): Record<string, unknown> | undefined =>
    (JSON.parse(bed.read('/var/www/mirror/status.json')) as Record<string, Record<string, unknown>>)[id];
  const until = async (what: string, is: () => boolean): Promise<void> => {
    for (let tries = 0; !is(); tries += 1) {
      if (tries > 600)
        throw new Error(
          `never: ${what}\n${bed.must('tail', '-n', '20', '/srv/notes')}${bed.must(MIRROR, 'status')}`,
        );
      await sleep(50);
    }
  };
  /** Only these are looked at by cron; the others have had their run, or are not to have it yet. */
  const dueNow = (...ids: readonly string[]): void => {
    for (const { id } of PACKAGES as { id: string }[]) {
      const at = ids.includes(id) ? Date.now() - 3_600_000 : Date.now();
      bed.write(`/var/lib/mirror/baseline/${id}.json`, JSON.stringify({ at }));
    }
  };
  const long = (id: string): void => bed.write(`/srv/long/${id}`, '');
  const release = (id: string): void => void bed.must('rm', `/srv/long/${id}`);

  beforeAll(async () => {
    bed = await bootBed();
    installProgram(bed, join(HOME, 'dist'));
    symlinkSync(MIRROR, join(bed.root, 'usr/local/bin/mirror'));
    bed.write('/opt/tool', TOOL, 0o755);
    bed.write('/srv/notes', '', 0o666);
    mkdirSync(join(bed.root, 'srv/long'));
    mkdirSync(join(bed.root, 'srv/ftp'));
    serveClosedUpstream(bed);
    // Whoever gets mail from cron gets it here.
    bed.write('/usr/sbin/sendmail', '#!/bin/sh\ncat >>/srv/mail\n', 0o755);
    bed.write('/srv/mail', '', 0o666);
    bed.write(CONFIG, config(PACKAGES));
    bed.must(MIRROR, 'setup');
    bed.must(MIRROR, 'apply', '-c', CONFIG);
    cron = clockedCron(bed);
  });
  afterAll(() => bed.stop());

  it('runs the lines of /etc/cron.d/mirror as each package’s user, and the status is true', async () => {
    dueNow('archlinux', 'gtk+');
    const started = Date.now();
    await cron.anHour();
    await until('synced', () => outcome('archlinux') === 'synced' && outcome('gtk+') === 'synced');
    const file = join(bed.root, 'srv/ftp/archlinux/core/core.db');
    const mirror = Number(bed.must('id', '-u', 'mirror'));
    expect([readFileSync(file, 'utf8'), statSync(file).uid]).toEqual(['packages\n', mirror]);
    expect(notes('gtk+').map(({ what, user }) => `${what} ${user}`)).toEqual(['begin mirror', 'end mirror']);
    expect(statSync(join(bed.root, 'var/lib/mirror/state/archlinux.json')).uid).toBe(mirror);
    expect(status('archlinux')).toMatchObject({
      status: 'ACTIVE',
      errorcount: 0,
      syncurl: 'rsync://127.0.0.1:8730/archlinux',
    });
    const success = Number(status('archlinux')?.lastsuccesstime) * 1000;
    expect(success).toBeGreaterThan(started - 1000);
    expect(success).toBeLessThanOrEqual(Date.now());
    expect(notes('overrun')).toEqual([]);
    expect(state('archlinux').last).toMatchObject({ trigger: 'schedule', exit: 0 });
  });

  it('sends no mail, which it would otherwise', async () => {
    bed.write('/etc/cron.d/control', 'MAILTO=root\n* * * * * root echo said something\n');
    dueNow('failing');
    await cron.anHour();
    await until('mail', () => bed.read('/srv/mail').includes('said something'));
    await until('failed', () => outcome('failing') === 'failed');
    bed.must('rm', '/etc/cron.d/control');
    await cron.settled();
    expect(bed.read('/srv/mail')).not.toContain('mirror.cjs');
  });

  it('never exceeds the limits when 30 packages on 3 upstreams are due at once, and all finish', async () => {
    dueNow(...CROWD);
    await cron.anHour();
    await until('somebody waits', () => bed.must(MIRROR, 'status').includes('waiting for a slot of'));
    await until('all synced', () => CROWD.every((id) => outcome(id) === 'synced'));
    const crowd = notes().filter(({ id }) => id.startsWith('crowd-'));
    expect(crowd).toHaveLength(60);
    expect(most(crowd)).toBe(LIMITS.concurrent);
    for (const [i] of UPSTREAMS.entries()) {
      const own = crowd.filter(({ id }) => Number(id.slice('crowd-'.length)) % 3 === i);
      expect(most(own)).toBe(LIMITS.per_upstream);
    }
  });

  it('lets the slots that pass during a run pass', async () => {
    long('overrun');
    dueNow('overrun');
    await cron.anHour();
    await until('begun', () => begins('overrun') === 1);
    await until('SYNC', () => status('overrun')?.status === 'SYNC');
    await cron.anHour();
    await cron.anHour();
    release('overrun');
    await until('synced', () => outcome('overrun') === 'synced');
    await cron.anHour();
    await cron.settled();
    expect(begins('overrun')).toBe(1);
    expect(status('overrun')).toMatchObject({ status: 'ACTIVE', errorcount: 0 });
  });

  it('remembers a push during a run: exactly one more', async () => {
    long('pushed');
    dueNow('pushed');
    await cron.anHour();
    await until('begun', () => begins('pushed') === 1);
    bed.must(MIRROR, 'push', 'pushed');
    bed.must(MIRROR, 'push', 'pushed');
    expect(begins('pushed')).toBe(1);
    release('pushed');
    await until('once more', () => begins('pushed') === 2 && outcome('pushed') === 'synced');
    await cron.anHour();
    await cron.settled();
    expect(begins('pushed')).toBe(2);
    expect(state('pushed').last).toMatchObject({ trigger: 'push' });
  });

  it('does not start again what was stopped', async () => {
    long('stopped');
    dueNow('stopped');
    await cron.anHour();
    await until('begun', () => begins('stopped') === 1);
    bed.must(MIRROR, 'stop', 'stopped');
    await until('stopped', () => outcome('stopped') === 'stopped');
    release('stopped');
    await cron.anHour();
    await cron.settled();
    expect(notes('stopped').map(({ what }) => what)).toEqual(['begin']);
    expect(status('stopped')?.status).not.toBe('SYNC');
  });

  it('runs nothing that is held, and what was missed once it is not', async () => {
    dueNow('held');
    bed.must(MIRROR, 'hold', 'held', '--reason', 'disk is being moved', '--until', 'PT1H');
    await cron.anHour();
    await cron.settled();
    expect(notes('held')).toEqual([]);
    expect(status('held')?.status).not.toBe('ACTIVE');
    expect(bed.must(MIRROR, 'status', 'held')).toContain('disk is being moved');
    bed.must(MIRROR, 'unhold', 'held');
    await cron.anHour();
    await until('synced', () => outcome('held') === 'synced');
    expect(begins('held')).toBe(1);
  });

  it('makes up for a run that was killed with everything it started', async () => {
    long('killed');
    dueNow('killed');
    await cron.anHour();
    await until('begun', () => begins('killed') === 1);
    await until('SYNC', () => status('killed')?.status === 'SYNC');
    cron.kill();
    release('killed');
    // The tick, which is one of cron's lines, repairs the status.
    dueNow('killed');
    cron.start();
    await cron.anHour();
    await until('synced', () => outcome('killed') === 'synced');
    expect(notes('killed').map(({ what }) => what)).toEqual(['begin', 'begin', 'end']);
    await until('ACTIVE', () => status('killed')?.status === 'ACTIVE');
  });

  it('runs a user’s own block beside their lines, in the minute that Debian’s cron.service gives it', async () => {
    cron.kill();
    bed.write(CONFIG, config([command('own', { syncrate: 'PT1M', phase: undefined })]));
    bed.must(MIRROR, 'apply', '-c', CONFIG, '--allow-removals', '100');
    bed.must('rm', '/etc/cron.d/mirror');
    bed.write('/srv/their-crontab', 'MAILTO=""\n7 3 * * * echo theirs 50\\%\n');
    bed.must('crontab', '-u', 'mirror', '/srv/their-crontab');
    const merge = `crontab -u mirror -l | mirror crontab -c '${CONFIG}' -u mirror --merge | crontab -u mirror -`;
    bed.must('sh', '-c', merge);
    const installed = bed.must('crontab', '-u', 'mirror', '-l');
    bed.must('sh', '-c', merge);
    expect(bed.must('crontab', '-u', 'mirror', '-l')).toBe(installed);
    expect(installed).toContain('7 3 * * * echo theirs 50\\%\n# BEGIN mirror\n');
    bed.write('/var/lib/mirror/baseline/own.json', JSON.stringify({ at: Date.now() - 600_000 }));
    bed.must('systemctl', 'start', 'cron.service');
    for (let tries = 0; tries < 90 && outcome('own') !== 'synced'; tries += 1) await sleep(1000);
    expect([outcome('own'), ...notes('own').map(({ user }) => user)].slice(0, 3)).toEqual([
      'synced',
      'mirror',
      'mirror',
    ]);
    expect(status('own')).toMatchObject({ status: 'ACTIVE', errorcount: 0 });
    expect(bed.read('/srv/mail')).not.toContain('mirror.cjs');
  }, 120_000);

  it('leaves no password in a log, a job or the status', () => {
    const logs = bed.must('journalctl', '--no-pager', '-o', 'cat');
    expect(logs).not.toContain('hunter2');
    for (const directory of [
      '/var/log/mirror',
      '/etc/mirror/compiled',
      '/var/lib/mirror',
      '/var/www/mirror',
    ]) {
      expect(bed.run('grep', '-r', 'hunter2', directory).stdout).toBe('');
    }
    expect(readdirSync(join(bed.root, 'etc/mirror/secrets'))).toEqual(['.gitignore']);
  });
});

/** Most runs at a time. */
function most(notes: readonly Note[]): number {
  let running = 0;
  let peak = 0;
  for (const { what } of [...notes].sort((a, b) => Number(a.at - b.at))) {
    running += what === 'begin' ? 1 : -1;
    peak = Math.max(peak, running);
  }
  return peak;
}
