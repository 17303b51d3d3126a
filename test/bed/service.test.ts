import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from './bed.js';
import { liveSite, MIRROR, pkg, serveClosedUpstream, type LiveSite } from './site.js';

/** Tries to write where a run has no business, and to read what it may not; says what worked, in its dst. */
const PROBE = `#!/bin/sh
cd "$MIRROR_DST" || exit 1
for place in /etc /usr /opt/mirror /srv/ftp /srv/ftp/archlinux /var/lib /var/log /root /home /var/lib/mirror \
  /var/log/mirror/packages /var/www/mirror .; do
  if (: >"$place/.probe") 2>/dev/null; then echo "write $place"; rm "$place/.probe"; fi
done >probe
for file in /etc/mirror/secrets/archlinux.password /etc/shadow /proc/1/environ; do
  if cat "$file" >/dev/null 2>&1; then echo "read $file"; fi
done >>probe
ls -A /home /root /tmp 2>/dev/null | grep somebody >>probe
grep -E '^(NoNewPrivs|CapEff|Seccomp):' /proc/self/status | tr -d '\\t' >>probe
id -un >>probe
`;

const PACKAGES = [
  pkg('archlinux', 'PT1M', {
    name: 'Arch Linux',
    settings: { src: 'rsync://127.0.0.1:8730/archlinux', options: { user: 'me', password: 'hunter2' } },
  }),
  pkg('probe', '', {
    name: 'Probe 100% "quoted" $HOME',
    synctype: 'command',
    settings: {
      hidden: true,
      src: '',
      dst: '/srv/ftp/100% own dir',
      options: { command: ['/opt/mirror/probe'] },
    },
  }),
];

describe.skipIf(noBed !== null)(`a live systemd${noBed === null ? '' : ` (skipped: ${noBed})`}`, () => {
  let bed: Bed;
  let site: LiveSite;

  beforeAll(async () => {
    bed = await bootBed();
    site = liveSite(bed);
    site.write('/opt/mirror/probe', PROBE, 0o755);
    site.write('/srv/upstream/lastupdate', '1\n');
    serveClosedUpstream(bed);
    site.configure(PACKAGES);
    site.must('setup');
    site.must('apply');
  });
  afterAll(() => bed.stop());

  it('takes the generated units as they are', () => {
    expect(site.show('mirror-sync-archlinux.timer', 'ActiveState')).toBe('active');
    expect(bed.must('systemctl', 'is-enabled', 'mirror-sync-archlinux.timer').trim()).toBe('enabled');
    expect(site.show('mirror-tick.timer', 'ActiveState')).toBe('active');
    expect(site.show('mirror-sync-probe.service', 'LoadState')).toBe('loaded');
    expect(bed.run('systemctl', 'status', 'mirror-sync-probe.timer').status).toBe(4);
  });

  it('reads hostile text from them as it was meant', () => {
    expect(site.show('mirror-sync-probe.service', 'Description')).toBe(
      'Mirror sync of Probe 100% "quoted" $HOME (probe)',
    );
    expect(site.show('mirror-sync-probe.service', 'ReadWritePaths')).toContain('"-/srv/ftp/100% own dir" ');
    expect(site.show('mirror-sync-probe.service', 'RequiresMountsFor')).toContain('/srv/ftp/100% own dir');
    expect(site.show('mirror-sync-probe.service', 'ExecStart')).toContain(
      `argv[]=${MIRROR} run --scheduled probe ;`,
    );
  });

  it('starts a due sync by its timer, which works inside its sandbox and leaves a true status', async () => {
    const unit = 'mirror-sync-archlinux.service';
    const started = Date.now();
    // As after some minutes of downtime: the timer then fires as soon as it starts.
    site.wake(['archlinux'], 600_000);
    await site.until('it has come', () => site.exists('/srv/ftp/archlinux/core/core.db'));
    await site.until('the unit ends', () => site.show(unit, 'ActiveState') === 'inactive');
    expect([site.show(unit, 'Result'), site.show(unit, 'ExecMainStatus')]).toEqual(['success', '0']);

    const file = join(bed.root, 'srv/ftp/archlinux/core/core.db');
    const mirror = Number(bed.must('id', '-u', 'mirror'));
    expect(readFileSync(file, 'utf8')).toBe('packages\n');
    expect(statSync(file).uid).toBe(mirror);
    const status = JSON.parse(site.read('/var/www/mirror/status.json')) as Record<
      string,
      Record<string, unknown>
    >;
    expect(status.archlinux).toMatchObject({
      status: 'ACTIVE',
      errorcount: 0,
      syncurl: 'rsync://127.0.0.1:8730/archlinux',
    });
    const success = Number(status.archlinux?.lastsuccesstime) * 1000;
    expect(success).toBeGreaterThan(started - 1000);
    expect(success).toBeLessThanOrEqual(Date.now());
    expect(status.probe).toBeUndefined();
    expect(bed.must('journalctl', '--no-pager', '-u', unit, '-o', 'cat')).not.toContain('hunter2');
  });

  it('lets a run write to dst, logs, state and the web, read no secret, and nothing else', async () => {
    const unit = 'mirror-sync-probe.service';
    site.write('/tmp/somebodys', 'x');
    site.write('/home/somebodys', 'x');
    site.write('/root/somebodys', 'x');
    site.must('start', 'probe');
    await site.until('it has come', () => site.exists('/srv/ftp/100% own dir/probe'));
    await site.until('the unit ends', () => site.show(unit, 'ActiveState') === 'inactive');
    expect(site.read('/srv/ftp/100% own dir/probe').trim().split('\n')).toEqual([
      'write /var/lib/mirror',
      'write /var/log/mirror/packages',
      'write /var/www/mirror',
      'write .',
      'CapEff:0000000000000000',
      'NoNewPrivs:1',
      'Seccomp:2',
      'mirror',
    ]);
    expect(site.show(unit, 'Result')).toBe('success');
  });

  it('shows a status that the tick keeps: mirror-tick.service publishes in its own sandbox', () => {
    bed.must('rm', '/var/www/mirror/status.json');
    bed.must('systemctl', 'start', 'mirror-tick.service');
    expect(JSON.parse(site.read('/var/www/mirror/status.json'))).toMatchObject({
      archlinux: { status: 'ACTIVE' },
    });
  });
});
