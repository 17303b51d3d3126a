import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootBed, noBed, type Bed } from '../bed/bed.js';
import { liveSite, type LiveSite } from '../bed/site.js';

const SKIPPED = noBed === null ? '' : ` (skipped: ${noBed})`;

describe.skipIf(noBed !== null)(`a run on a live systemd${SKIPPED}`, () => {
  let bed: Bed;
  let site: LiveSite;

  beforeAll(async () => {
    bed = await bootBed();
    site = liveSite(bed);
    const hosts = site.exists('/etc/hosts') ? site.read('/etc/hosts') : '';
    site.write('/etc/hosts', `${hosts}\n127.0.0.1 upstream.example.test\n`);
    mkdirSync(join(bed.root, 'srv/upstream'), { recursive: true });
    writeFileSync(join(bed.root, 'srv/upstream/file'), 'a file\n');
    site.write(
      '/etc/rsyncd.conf',
      'log file = /srv/rsyncd.log\nuse chroot = no\n[pub]\npath = /srv/upstream\n',
    );
    bed.must(
      'systemd-run',
      '--quiet',
      '--unit=rsyncd',
      'rsync',
      '--daemon',
      '--no-detach',
      '--config=/etc/rsyncd.conf',
    );
    await site.until('rsyncd listens', () => site.exists('/srv/rsyncd.log'));
  });
  afterAll(() => bed.stop());

  /** Runs a package whose upstream is this machine by another name. */
  function run(id: string, network: object, more: object = {}): { status: number | null; hits: number } {
    const settings = {
      src: 'rsync://upstream.example.test/pub/',
      dst: `/srv/ftp/${id}`,
      options: { contimeout: 3 },
    };
    const keys = {
      name: id,
      href: `/${id}`,
      syncrate: '',
      synctype: 'rsync',
      network,
      guard: { min_free: '0%' },
      ...more,
    };
    site.configure([{ id, ...keys, settings }]);
    site.must('setup');
    site.must('apply', '--allow-removals', '9');
    const count = (): number => site.read('/srv/rsyncd.log').match(/connect from/g)?.length ?? 0;
    const before = count();
    const { status } = site.mirror('run', id);
    return { status, hits: count() - before };
  }

  it('does not reach this machine by a name that leads here', () => {
    expect(run('denied', {})).toEqual({ status: 69, hits: 0 });
    expect(existsSync(join(bed.root, 'srv/ftp/denied/file'))).toBe(false);
  });

  it('reaches an address that `network.allow` names', () => {
    expect(run('allowed', { allow: ['127.0.0.1'] })).toEqual({ status: 0, hits: 1 });
  });

  it('is published by the mirror user, although it ran as root', async () => {
    const status = '/var/www/mirror/status.json';
    bed.must('rm', '-f', status);
    expect(run('rooted', { allow: ['127.0.0.1'] }, { user: 'root', group: 'root' })).toEqual({
      status: 0,
      hits: 1,
    });
    await site.until('it is published', () => site.exists(status) && site.read(status).includes('"ACTIVE"'));
    expect(bed.must('stat', '-c', '%U', status).trim()).toBe('mirror');
  });

  it('reaches its own name server', () => {
    site.write('/etc/resolv.conf', 'nameserver 127.0.0.1\n');
    expect(run('resolver', {})).toEqual({ status: 0, hits: 1 });
    expect(site.must('explain', 'resolver')).toContain(
      'no loopback, link-local, multicast addresses, but for 127.0.0.53, 127.0.0.54, 127.0.0.1',
    );
  });
});
