import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from './bed.js';
import { installProgram } from './site.js';

const MIRROR = '/opt/mirror/dist/mirror.cjs';

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

const CONFIG = {
  mirrorname: 'Bed',
  hostname: 'bed.example.org',
  settings: {
    scheduler: 'systemd',
    executable: MIRROR,
    logfolder: '/var/log/mirror',
    webroot: '/var/www/mirror',
    statusfile: '/var/www/mirror/status.json',
    statfile: '/var/lib/mirror/stat.json',
    uid: 'mirror',
    gid: 'mirror',
    localtimezone: 'Asia/Seoul',
    logger: {
      packagefileformat: {
        base: '/var/log/mirror/packages',
        folder: '{year}',
        filename: '{packageid}.{microsecond}.log',
        gzip: false,
      },
    },
  },
  packages: {
    archlinux: {
      name: 'Arch Linux',
      id: 'archlinux',
      href: '/archlinux',
      synctype: 'rsync',
      syncrate: 'PT1M',
      link: [],
      guard: { min_free: '0%' },
      settings: {
        hidden: false,
        src: 'rsync://127.0.0.1:8730/archlinux',
        dst: '/srv/ftp/archlinux',
        options: { user: 'me', password: 'hunter2' },
      },
    },
    probe: {
      name: 'Probe 100% "quoted" $HOME',
      id: 'probe',
      href: '/probe',
      synctype: 'command',
      syncrate: '',
      link: [],
      guard: { min_free: '0%' },
      settings: {
        hidden: true,
        src: '',
        dst: '/srv/ftp/100% own dir',
        options: { command: ['/opt/mirror/probe'] },
      },
    },
  },
};

describe.skipIf(noBed !== null)(`a live systemd${noBed === null ? '' : ` (skipped: ${noBed})`}`, () => {
  let bed: Bed;

  const write = (path: string, content: string, mode = 0o644): void => {
    mkdirSync(dirname(join(bed.root, path)), { recursive: true });
    writeFileSync(join(bed.root, path), content);
    chmodSync(join(bed.root, path), mode);
  };
  const read = (path: string): string => readFileSync(join(bed.root, path), 'utf8');
  const show = (unit: string, property: string): string =>
    bed.must('systemctl', 'show', unit, '--value', `--property=${property}`).trim();
  const until = async (what: () => boolean, unit: string): Promise<void> => {
    for (let tries = 0; !what(); tries += 1) {
      if (tries > 150)
        throw new Error(bed.run('journalctl', '--no-pager', '-n', '60', '-u', unit, '-o', 'cat').stdout);
      await sleep(100);
    }
  };

  beforeAll(async () => {
    bed = await bootBed();
    installProgram(bed);
    write('/opt/mirror/probe', PROBE, 0o755);
    write('/srv/upstream/core/core.db', 'packages\n');
    write('/srv/upstream/lastupdate', '1\n');
    write('/etc/rsyncd.secrets', 'me:hunter2\n', 0o600);
    write(
      '/etc/rsyncd.conf',
      '[archlinux]\npath = /srv/upstream\nread only = yes\nuse chroot = no\nuid = nobody\nauth users = me\nsecrets file = /etc/rsyncd.secrets\n',
    );
    bed.must(
      'systemd-run',
      '--quiet',
      '--unit=upstream',
      'rsync',
      '--daemon',
      '--no-detach',
      '--port=8730',
      '--address=127.0.0.1',
    );
    write('/etc/mirror/config.json', JSON.stringify(CONFIG));
    mkdirSync(join(bed.root, 'srv/ftp'), { recursive: true });
    bed.must(MIRROR, 'setup');
    bed.must(MIRROR, 'apply');
  });
  afterAll(() => bed.stop());

  it('takes the generated units as they are', () => {
    expect(show('mirror-sync-archlinux.timer', 'ActiveState')).toBe('active');
    expect(bed.must('systemctl', 'is-enabled', 'mirror-sync-archlinux.timer').trim()).toBe('enabled');
    expect(show('mirror-tick.timer', 'ActiveState')).toBe('active');
    expect(show('mirror-sync-probe.service', 'LoadState')).toBe('loaded');
    expect(bed.run('systemctl', 'status', 'mirror-sync-probe.timer').status).toBe(4);
  });

  it('reads hostile text from them as it was meant', () => {
    expect(show('mirror-sync-probe.service', 'Description')).toBe(
      'Mirror sync of Probe 100% "quoted" $HOME (probe)',
    );
    expect(show('mirror-sync-probe.service', 'ReadWritePaths')).toContain('"-/srv/ftp/100% own dir" ');
    expect(show('mirror-sync-probe.service', 'RequiresMountsFor')).toContain('/srv/ftp/100% own dir');
    expect(show('mirror-sync-probe.service', 'ExecStart')).toContain(
      `argv[]=${MIRROR} run --scheduled probe ;`,
    );
  });

  it('starts a due sync by its timer, which works inside its sandbox and leaves a true status', async () => {
    const unit = 'mirror-sync-archlinux.service';
    // As after some minutes of downtime: the timer then fires as soon as it starts.
    bed.must('systemctl', 'stop', 'mirror-sync-archlinux.timer');
    const past = Date.now() - 600_000;
    write('/var/lib/mirror/baseline/archlinux.json', JSON.stringify({ at: past }));
    const stamp = join(bed.root, 'var/lib/systemd/timers/stamp-mirror-sync-archlinux.timer');
    writeFileSync(stamp, '');
    utimesSync(stamp, past / 1000, past / 1000);
    const started = Date.now();
    bed.must('systemctl', 'start', 'mirror-sync-archlinux.timer');
    await until(() => existsSync(join(bed.root, 'srv/ftp/archlinux/core/core.db')), unit);
    await until(() => show(unit, 'ActiveState') === 'inactive', unit);
    expect([show(unit, 'Result'), show(unit, 'ExecMainStatus')]).toEqual(['success', '0']);

    const file = join(bed.root, 'srv/ftp/archlinux/core/core.db');
    const mirror = Number(bed.must('id', '-u', 'mirror'));
    expect(readFileSync(file, 'utf8')).toBe('packages\n');
    expect(statSync(file).uid).toBe(mirror);
    const status = JSON.parse(read('/var/www/mirror/status.json')) as Record<string, Record<string, unknown>>;
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
    write('/tmp/somebodys', 'x');
    write('/home/somebodys', 'x');
    write('/root/somebodys', 'x');
    bed.must(MIRROR, 'start', 'probe');
    await until(() => existsSync(join(bed.root, 'srv/ftp/100% own dir/probe')), unit);
    await until(() => show(unit, 'ActiveState') === 'inactive', unit);
    expect(read('/srv/ftp/100% own dir/probe').trim().split('\n')).toEqual([
      'write /var/lib/mirror',
      'write /var/log/mirror/packages',
      'write /var/www/mirror',
      'write .',
      'CapEff:0000000000000000',
      'NoNewPrivs:1',
      'Seccomp:2',
      'mirror',
    ]);
    expect(show(unit, 'Result')).toBe('success');
  });

  it('shows a status that the tick keeps: mirror-tick.service publishes in its own sandbox', () => {
    bed.must('rm', '/var/www/mirror/status.json');
    bed.must('systemctl', 'start', 'mirror-tick.service');
    expect(JSON.parse(read('/var/www/mirror/status.json'))).toMatchObject({
      archlinux: { status: 'ACTIVE' },
    });
  });
});
