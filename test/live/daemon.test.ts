import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Answer, type Bed } from '../bed/bed.js';
import { liveSite, MIRROR, pkg, serveUpstream, type LiveSite } from '../bed/site.js';

/** Says in dst as whom it runs and with what in its hands, and leaves something behind that ends later. */
const PROBE = `#!/bin/sh
{ id -un; id -Gn; grep -E '^(CapEff|CapPrm):' /proc/self/status | tr -d '\\t'
  for file in /etc/mirror/secrets/archlinux.password /etc/shadow; do
    if cat "$file" >/dev/null 2>&1; then echo "read $file"; fi
  done; umask; } >probe
setsid sleep 1 >/dev/null 2>&1 </dev/null &
exec /opt/mirror/gate
`;

/** Builds of Node for Debian 13 and Ubuntu 25.10 refuse these calls. */
const REFUSE = `for (const name of ['setuid', 'setgid', 'seteuid', 'setegid', 'setgroups', 'initgroups'])
  process[name] = () => { throw new Error(name + ' is refused'); };
`;

const DAYS = 2 * 86_400_000;
const SKIPPED = noBed === null ? '' : ` (skipped: ${noBed})`;

/** As in a container: root, PID 1 of its own, no service manager to be seen, no signal but the daemon's. */
describe.skipIf(noBed !== null)(`mirror daemon as root and PID 1${SKIPPED}`, () => {
  let bed: Bed;
  let site: LiveSite;
  let pid = '';

  const archlinux = pkg('archlinux', 'P1D', {
    settings: { src: 'rsync://127.0.0.1/secret/archlinux', options: { user: 'me', password: 'hunter2' } },
  });
  const probe = pkg('probe', 'P1D', {
    synctype: 'command',
    settings: { src: '', options: { command: ['/opt/mirror/probe'] } },
  });
  const SETTINGS = { scheduler: 'daemon', socket: { gid: 'operators', mode: '0660' } };
  const said = (): string => {
    bed.must('journalctl', '--sync');
    return bed.must('journalctl', '--no-pager', '-u', 'container', '-o', 'cat');
  };
  const inContainer = (...argv: string[]): Answer =>
    bed.run('nsenter', `--target=${pid}`, '--mount', '--pid', '--', ...argv);
  const as = (user: string, ...args: string[]): Answer =>
    inContainer('runuser', '-u', user, '--', MIRROR, ...args);
  /** Name and state of each child of the daemon. */
  const children = (): string[] => {
    const { stdout } = bed.run('ps', '-o', 'comm=,stat=', '--ppid', pid);
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.replace(/\s+/, ' ')]));
  };
  const owner = (path: string): number => statSync(join(bed.root, path)).uid;

  beforeAll(async () => {
    bed = await bootBed();
    site = liveSite(bed);
    serveUpstream(
      bed,
      site,
      ['archlinux', 'CTAN'],
      '[secret]\npath = /srv/upstream\nauth users = me\nsecrets file = /etc/rsyncd.secrets\n',
    );
    site.write('/etc/rsyncd.secrets', 'me:hunter2\n', 0o600);
    site.write('/opt/mirror/probe', PROBE, 0o755);
    bed.must('groupadd', 'operators');
    bed.must('useradd', '--groups', 'operators', 'ada');
    bed.must('useradd', 'outsider');
    site.write('/opt/mirror/refuse.cjs', REFUSE);
    site.configure([archlinux, probe], SETTINGS);
    site.must('setup');
    site.must('apply');
    for (const id of ['archlinux', 'probe'])
      site.write(`/var/lib/mirror/baseline/${id}.json`, JSON.stringify({ at: Date.now() - DAYS }));
    site.gate('probe', 'shut');
    const namespaces = ['--pid', '--fork', '--mount', '--mount-proc', '--kill-child=SIGKILL'];
    const node = 'NODE_OPTIONS=--require=/opt/mirror/refuse.cjs';
    const inner = `mount -t tmpfs -o mode=755 tmpfs /run && ${node} exec ${MIRROR} daemon`;
    bed.must('systemd-run', '--quiet', '--unit=container', 'unshare', ...namespaces, 'sh', '-c', inner);
    await site.until('the daemon is up', () => said().includes('daemon started, 2 packages'));
    pid = bed.must('ps', '-o', 'pid=', '--ppid', site.show('container.service', 'MainPID')).trim();
  });
  afterAll(() => bed.stop());

  it('starts what is due with the rights of the mirror user, who is told no secret', async () => {
    await site.until('the probe runs', () => site.runs('probe') === 1);
    await site.until('the sync is done', () => site.history('archlinux').length === 1);
    expect(site.history('archlinux')).toMatchObject([{ outcome: 'synced', trigger: 'schedule' }]);
    const none = '0000000000000000';
    expect(site.read('/srv/ftp/probe/probe').split('\n')).toEqual([
      'mirror',
      'mirror',
      `CapPrm:${none}`,
      `CapEff:${none}`,
      '0022',
      '',
    ]);
    const uid = Number(bed.must('id', '-u', 'mirror'));
    const paths = ['/srv/ftp/archlinux/file', '/var/lib/mirror/state/archlinux.json'];
    expect([...paths, '/var/www/mirror/status.json'].map(owner)).toEqual([uid, uid, uid]);
    expect(owner('/etc/mirror/compiled/site.json')).toBe(0);
    expect(said()).not.toMatch(/hunter2|PID 1/);
  });

  it('lets the group of its socket ask, and nobody else', async () => {
    const stat = inContainer('stat', '-c', '%U:%G %a', '/run/mirror/control.sock', '/run/mirror').stdout;
    expect(stat).toBe('mirror:operators 660\nroot:root 755\n');
    expect(as('outsider', 'push', 'archlinux').status).not.toBe(0);
    const { status, stderr } = as('ada', 'push', 'archlinux');
    expect(status, stderr).toBe(0);
    await site.until('it runs again', () => site.history('archlinux').length === 2);
    expect(site.history('archlinux')[1]).toMatchObject({ outcome: 'synced', trigger: 'push' });
  });

  it('reaps what runs leave behind', async () => {
    await site.until('only the run is left', () => children().every((line) => /^node [^Z]/.test(line)));
  });

  it('takes up a changed config at SIGHUP while a run goes on', async () => {
    site.configure([archlinux, probe, pkg('CTAN', 'P1D')], SETTINGS);
    bed.must('kill', '-HUP', pid);
    await site.until('it says so', () => said().includes('reloaded: added CTAN; 3 packages'));
    expect([site.runs('probe'), site.status('probe').status]).toEqual([1, 'syncing']);
    expect(as('ada', 'push', 'CTAN').status).toBe(0);
    await site.until('it has run', () => site.history('CTAN').length === 1);
    // Its history comes before its last words.
    const isOver = (): boolean => bed.run('pgrep', '-f', 'run --scheduled CTAN').status === 1;
    await site.until('its executor is over', isOver);
  });

  it('ends with every run at SIGTERM', async () => {
    bed.must('kill', '-TERM', pid);
    await site.until('it is over', () => site.show('container.service', 'MainPID') === '0', 40);
    expect(said()).toMatch(/stopping, 1 run to end\n[^]*mirror: stopped\n/);
    expect(bed.run('systemctl', 'is-failed', 'container.service').status).not.toBe(0);
    expect(site.history('probe')).toMatchObject([{ outcome: 'interrupted', trigger: 'schedule' }]);
    expect(site.status('probe').run).toBeNull();
  });
});
