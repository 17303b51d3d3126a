import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nextSlot } from '../../src/job/slots.js';
import { unitName } from '../../src/schedulers/systemd/escape.js';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { gated, liveSite, pkg, serveUpstream, type LiveSite } from '../bed/site.js';

/** Tries to write to every package's dst and to read every secret; says what worked, in its own. */
const PROBE = `#!/bin/sh
for place in /srv/ftp/* /srv/upstream /etc/mirror /etc/systemd/system; do
  if (: >"$place/.probe") 2>/dev/null; then echo "write $place"; rm "$place/.probe"; fi
done >probe
cat /etc/mirror/secrets/* 2>/dev/null >>probe
echo said by the tool
exec /opt/mirror/gate
`;

/** Ten packages as sites have them. */
const PACKAGES = [
  pkg('archlinux', 'PT7H', {
    settings: { src: 'rsync://127.0.0.1/secret/archlinux', options: { user: 'me', password: 'hunter2' } },
  }),
  pkg('CTAN', 'P1D'),
  pkg('debian-cd', 'PT6H'),
  pkg('ubuntu', 'PT10M'),
  pkg('cpan', 'PT5H'),
  pkg('kernel', 'P3D'),
  pkg('libstdc++', 'P7D'),
  pkg('gnu', '', { schedule: '30 2 * * *' }),
  pkg('pushed', 'PUSH'),
  gated('own', 'PT1H'),
];
const IDS = PACKAGES.map(({ id }) => String(id));
const TIMED = IDS.filter((id) => id !== 'pushed');
const unit = unitName;
const DAY = 86_400_000;

describe.skipIf(noBed !== null)(
  `ten packages on systemd${noBed === null ? '' : ` (skipped: ${noBed})`}`,
  () => {
    let bed: Bed;
    let site: LiveSite;

    /** inode and times of everything that apply owns. */
    const files = (): Map<string, string> => {
      const found = new Map<string, string>();
      for (const top of ['/etc/systemd/system', '/etc/mirror'])
        for (const name of readdirSync(join(bed.root, top), { recursive: true, encoding: 'utf8' })) {
          const { ino, mtimeMs, isDirectory } = lstat(join(bed.root, top, name));
          if (!isDirectory) found.set(`${top}/${name}`, `${String(ino)} ${String(mtimeMs)}`);
        }
      return found;
    };
    const timers = (): { unit: string; next: number }[] =>
      JSON.parse(bed.must('systemctl', 'list-timers', '--output=json')) as { unit: string; next: number }[];
    /** Epoch ms. */
    const nextElapse = (id: string): number =>
      (timers().find((timer) => timer.unit === `${unit(id)}.timer`)?.next ?? NaN) / 1000;
    const isActive = (id: string): boolean => site.show(`${unit(id)}.service`, 'ActiveState') !== 'inactive';
    const changed = (before: Map<string, string>, after: Map<string, string>): string[] =>
      [...new Set([...before.keys(), ...after.keys()])]
        .filter((path) => before.get(path) !== after.get(path))
        .sort();

    beforeAll(async () => {
      bed = await bootBed();
      site = liveSite(bed);
      serveUpstream(
        bed,
        site,
        IDS,
        '[secret]\npath = /srv/upstream\nauth users = me\nsecrets file = /etc/rsyncd.secrets\n',
      );
      site.write('/etc/rsyncd.secrets', 'me:hunter2\n', 0o600);
      site.write('/opt/mirror/probe', PROBE, 0o755);
      const own = PACKAGES.at(-1) as { settings: object };
      site.configure([
        ...PACKAGES.slice(0, -1),
        { ...own, settings: { ...own.settings, options: { command: ['/opt/mirror/probe'] } } },
      ]);
      site.must('setup');
      site.must('apply');
    });
    afterAll(() => bed.stop());

    it('have timers whose next elapse is their next slot', () => {
      const now = Date.now();
      expect(
        timers()
          .map((timer) => timer.unit)
          .filter((name) => name.startsWith('mirror-sync-'))
          .sort(),
      ).toEqual(TIMED.map((id) => `${unit(id)}.timer`).sort());
      for (const id of TIMED) {
        const next = nextElapse(id);
        const slot = nextSlot(site.job(id).schedule, now) ?? 0;
        // What systemd cannot say exactly is an hourly tick, and the run finds out whether it is due.
        if (['cpan', 'kernel'].includes(id)) {
          expect(next, id).toBeLessThanOrEqual(slot);
          expect((slot - next) % 3_600_000, id).toBe(0);
        } else expect(new Date(next).toISOString(), id).toBe(new Date(slot).toISOString());
      }
      expect(
        bed
          .must('systemctl', 'is-enabled', ...TIMED.map((id) => `${unit(id)}.timer`))
          .trim()
          .split('\n'),
      ).toEqual(TIMED.map(() => 'enabled'));
    });

    it('are started by their timers, and publish what became of them', async () => {
      site.wake(TIMED, 8 * DAY);
      await site.until('all have run', () => TIMED.every((id) => site.history(id).length > 0), 40);
      for (const id of TIMED)
        expect(site.history(id), id).toMatchObject([{ outcome: 'synced', trigger: 'schedule' }]);
      for (const id of TIMED.filter((each) => each !== 'own'))
        expect(site.read(`/srv/ftp/${id}/file`)).toBe(`${id}\n`);
      await site.until('the units are done', () => TIMED.every((id) => !isActive(id)));

      const status = JSON.parse(site.read('/var/www/mirror/status.json')) as Record<string, object>;
      const stat = JSON.parse(site.read('/var/lib/mirror/stat.json')) as { packages: Record<string, object> };
      for (const id of TIMED) {
        expect(status[id], id).toMatchObject({ status: 'ACTIVE', errorcount: 0 });
        expect(stat.packages[id], id).toMatchObject({ status: { status: 'ACTIVE' } });
      }
      expect(site.status('pushed').status).toBe('never ran');
    });

    it('write to their own dst, log and state, to no other package, and read no secret but their own', () => {
      // A listing of what it could do, from inside its unit.
      expect(site.read('/srv/ftp/own/probe').trim().split('\n')).toEqual(['write /srv/ftp/own']);
      for (const id of IDS) {
        const places = site.show(`${unit(id)}.service`, 'ReadWritePaths').split(' ');
        expect(
          places.filter((place) => place.includes('/srv/')),
          id,
        ).toEqual([`-/srv/ftp/${id}`]);
      }
      expect(site.read('/etc/systemd/system/mirror-sync-archlinux.service')).toContain(
        'LoadCredential=password:/etc/mirror/secrets/archlinux.password',
      );
      expect(
        bed.run(
          'grep',
          '-rl',
          'hunter2',
          '/etc/systemd',
          '/etc/mirror/compiled',
          '/var/lib/mirror',
          '/var/log',
        ).stdout,
      ).toBe('');
    });

    it('speak in the journal under their own names', () => {
      bed.must('journalctl', '--sync');
      for (const id of TIMED) {
        const lines = bed.must('journalctl', '--no-pager', '-o', 'cat', '-t', `mirror-${id}`).trim();
        expect(lines, id).toContain(`${id}: synced`);
        const from = bed
          .must('journalctl', '--no-pager', '-o', 'json', '-t', `mirror-${id}`)
          .trim()
          .split('\n');
        const units = from.map((line) => (JSON.parse(line) as { _SYSTEMD_UNIT: string })._SYSTEMD_UNIT);
        expect(new Set(units), id).toEqual(new Set([`${unit(id)}.service`]));
      }
    });

    it('are told about by systemctl status', () => {
      const { stdout } = bed.run('systemctl', 'status', '--no-pager', `${unit('debian-cd')}.service`);
      expect(stdout).toContain('Mirror sync of debian-cd (debian-cd)');
      expect(stdout).toContain(`TriggeredBy: ● ${unit('debian-cd')}.timer`);
      expect(stdout).toContain('(code=exited, status=0/SUCCESS)');
      expect(stdout).toMatch(/mirror-debian-cd\[\d+\]: debian-cd: synced/);
    });

    it('change alone: an apply touches only their own units, and no run in progress', async () => {
      site.gate('own', 'shut');
      site.must('start', 'own');
      await site.until('own runs', () => site.runs('own') === 2);
      const pid = site.show(`${unit('own')}.service`, 'MainPID');
      const since = site.show(`${unit('ubuntu')}.timer`, 'ActiveEnterTimestampMonotonic');
      const before = files();

      const kept = PACKAGES.filter(({ id }) => !['gnu', 'own', 'CTAN'].includes(String(id)));
      site.configure([...kept, pkg('CTAN', 'PT12H'), pkg('newcomer', 'PT2H')]);
      site.must('apply');
      expect(changed(before, files())).toEqual(
        [
          '/etc/mirror/config.json',
          '/etc/mirror/compiled/history.jsonl',
          '/etc/mirror/compiled/manifest.json',
          '/etc/mirror/compiled/site.json',
          ...['CTAN', 'gnu', 'own', 'newcomer'].map((id) => `/etc/mirror/compiled/jobs/${id}.json`),
          ...['gnu', 'own', 'newcomer'].flatMap((id) => [
            `/etc/systemd/system/${unit(id)}.service`,
            `/etc/systemd/system/${unit(id)}.timer`,
            `/etc/systemd/system/timers.target.wants/${unit(id)}.timer`,
          ]),
          '/etc/systemd/system/mirror-sync-CTAN.service',
          '/etc/systemd/system/mirror-sync-CTAN.timer',
        ].sort(),
      );
      expect(site.show(`${unit('own')}.service`, 'MainPID')).toBe(pid);
      expect(site.show(`${unit('ubuntu')}.timer`, 'ActiveEnterTimestampMonotonic')).toBe(since);
      expect(nextElapse('CTAN')).toBe(nextSlot(site.job('CTAN').schedule, Date.now()));
      expect(nextElapse('newcomer')).toBe(nextSlot(site.job('newcomer').schedule, Date.now()));

      site.gate('own', 'open');
      await site.until('own is done', () => !isActive('own'));
      expect(site.history('own')).toMatchObject([
        { outcome: 'synced' },
        { outcome: 'synced', trigger: 'request' },
      ]);
    });

    it('leave nothing behind when they go', () => {
      for (const id of ['gnu', 'own']) {
        expect(site.show(`${unit(id)}.service`, 'LoadState')).toBe('not-found');
        expect(site.show(`${unit(id)}.timer`, 'ActiveState')).toBe('inactive');
        const places = ['/etc', '/var/lib/systemd', '/run/systemd'];
        expect(
          bed.must('find', ...places, '-name', `*mirror-sync-${id}.*`, '-o', '-name', `${id}.json`),
        ).toBe('');
      }
      const status = JSON.parse(site.read('/var/www/mirror/status.json')) as Record<string, object>;
      expect(Object.keys(status)).not.toContain('gnu');
      expect(Object.keys(status)).toContain('newcomer');
      // Data is the operator's.
      expect(site.read('/srv/ftp/gnu/file')).toBe('gnu\n');
      expect(bed.run('systemctl', 'list-units', '--failed', '--no-legend').stdout).toBe('');
    });

    it('are left alone by an apply that has nothing to do', () => {
      const [before, reloads] = [
        files(),
        site.show(`${unit('ubuntu')}.timer`, 'StateChangeTimestampMonotonic'),
      ];
      site.must('apply');
      expect(changed(before, files())).toEqual([]);
      expect(site.show(`${unit('ubuntu')}.timer`, 'StateChangeTimestampMonotonic')).toBe(reloads);
    });
  },
);

function lstat(path: string): { ino: number; mtimeMs: number; isDirectory: boolean } {
  const stat = lstatSync(path);
  return { ino: stat.ino, mtimeMs: stat.mtimeMs, isDirectory: stat.isDirectory() };
}
