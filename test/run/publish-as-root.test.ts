import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { STATE_DIRECTORIES } from '../../src/job/layout.js';
import { ENTRY, install } from './fixture.js';

test.runIf(process.getuid?.() === 0)(
  'root’s `mirror publish`, as cron starts it, leaves nothing of root’s among the mirror user’s files',
  () => {
    const site = install();
    site.job('debian');
    const applied = JSON.parse(readFileSync(site.layout.siteFile, 'utf8')) as object;
    const statusfile = '/var/lib/mirror/www/status.json';
    const run_as = { user: 'nobody', group: 'nogroup' };
    const changed = { ...applied, statusfile, statfile: '/var/lib/mirror/stat.json', run_as };
    writeFileSync(join(site.root, 'site.json'), JSON.stringify(changed));
    // The live paths belong to the host: a mount namespace of its own gives this command others.
    const script = [
      'accounts=$(mktemp -d); cp /etc/passwd /etc/group /etc/nsswitch.conf "$accounts"',
      'mount -t tmpfs tmpfs /var/lib && mount -t tmpfs tmpfs /etc && mv "$accounts"/* /etc && rmdir "$accounts"',
      'mkdir -p /etc/mirror/compiled; cp "$SITE" /etc/mirror/compiled/site.json',
      `for d in ${STATE_DIRECTORIES.join(' ')} www; do mkdir -p /var/lib/mirror/$d; done`,
      'chown -R nobody:nogroup /var/lib/mirror',
      '"$NODE" "$ENTRY" publish; echo "exit $?"',
      'find /var/lib/mirror -type f -printf "%u:%g %P\\n" | sort',
    ].join('\n');
    const { PATH } = process.env;
    const env = { PATH, NODE: process.execPath, ENTRY, SITE: join(site.root, 'site.json') };
    const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
      encoding: 'utf8',
      env,
    });
    site.remove();
    expect({ stdout: stdout.trimEnd().split('\n'), stderr }).toEqual({
      stdout: [
        'exit 0',
        'nobody:nogroup locks/publish',
        'nobody:nogroup stat.json',
        'nobody:nogroup www/status.json',
      ],
      stderr: '',
    });
  },
);
