import { closeSync, existsSync, openSync, rmSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { install, tree } from './fixture.js';
import type { Installation } from './fixture.js';

const precheck = { file: 'lastupdate', fullEvery: 604_800, always: [] };

let site: Installation;
let daemon: Rsyncd;
let upstream: string;
const log = (): string => join(site.root, 'log');

beforeAll(async () => {
  site = install();
  upstream = join(site.root, '../upstream');
  tree(upstream, { a: '1', lastupdate: 'v1' });
  daemon = await startRsyncd({ mirror: { path: upstream } });
});
afterAll(async () => {
  await daemon.stop();
  site.remove();
});

function fill(path: string): void {
  const fd = openSync(path, 'w');
  try {
    for (;;) writeSync(fd, 'x'.repeat(4096));
  } catch {
    // No room any more.
  } finally {
    closeSync(fd);
  }
}

describe.runIf(MAY_MOUNT)('a full disk of logs (as root)', () => {
  test('makes no "unchanged" of a precheck whose answer found no room', async () => {
    site.job('arch', { attempts: site.attempts('arch', [daemon.url('mirror')], { precheck }) });
    await site.run('arch');
    await site.run('arch');
    expect(site.state('arch').last?.outcome).toBe('unchanged');
    tree(upstream, { b: '2', lastupdate: 'v2' });
    utimesSync(join(upstream, 'lastupdate'), 2e9, 2e9);
    await onDisk(log(), 'size=64k', async () => {
      fill(join(log(), 'all'));
      const { code, stdout } = await site.run('arch');
      expect(stdout).toMatch(/^arch: failed \(space\): 0\.0 MiB free at .*, too little to record a run/);
      expect(code).toBe(73);
      rmSync(join(log(), 'all'));
      expect((await site.run('arch')).stdout).toMatch(/^arch: synced/);
    });
    expect(existsSync(join(site.dst('arch'), 'b'))).toBe(true);
  });

  test('makes no success of a tool whose words found no room', async () => {
    site.script('loud', 'head -c 100000 /dev/zero; true');
    await onDisk(log(), 'size=64k', async () => {
      expect(await site.run('loud')).toMatchObject({ code: 73 });
    });
    expect(site.state('loud')).toMatchObject({ last: { outcome: 'failed' }, last_success: null, errors: 1 });
    expect(await site.run('loud')).toMatchObject({ code: 0 });
  });
});
