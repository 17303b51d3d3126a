import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { install } from './fixture.js';
import type { Installation, RunResult } from './fixture.js';

// A run that could not record how it ended is not started, and nobody is told that all is well meanwhile.

describe.runIf(MAY_MOUNT)('a disk without room for a record (as root)', () => {
  let site: Installation;
  beforeAll(() => {
    site = install();
    site.script('debian', 'touch $F/ran');
  });
  afterAll(() => site.remove());

  const ran = (): boolean => existsSync(join(site.root, 'flags/ran'));
  const status = (...args: string[]): Promise<RunResult> =>
    site.start(['status', '--root', site.root, ...args]).ended;

  test('keeps a run from starting its tool, and the state says why', async () => {
    const states = join(site.layout.state, 'state');
    await onDisk(states, 'size=40m', async () => {
      const filler = join(states, 'filler');
      writeFileSync(filler, Buffer.alloc(39 * 2 ** 20));
      expect(await site.run('debian')).toMatchObject({ code: 73 });
      expect(ran()).toBe(false);
      expect(site.state('debian').last).toMatchObject({
        failure: 'space',
        reason: `1.0 MiB free at ${states}, too little to record a run`,
      });
      rmSync(filler);
      expect(await site.run('debian')).toMatchObject({ code: 0 });
      expect(ran()).toBe(true);
    });
  });

  test('of logs does the same', async () => {
    rmSync(join(site.root, 'flags/ran'));
    await onDisk(join(site.root, 'log'), 'size=40m,nr_inodes=2000', async () => {
      writeFileSync(join(site.root, 'log/filler'), Buffer.alloc(39 * 2 ** 20));
      expect(await site.run('debian')).toMatchObject({ code: 73 });
      rmSync(join(site.root, 'log/filler'));
      for (let n = 0; n < 1960; n++) writeFileSync(join(site.root, `log/${String(n)}`), '');
      expect((await site.run('debian')).stdout).toMatch(/inodes free at .*, too few to record a run/);
    });
    expect(ran()).toBe(false);
  });

  test.each([
    [
      'full',
      'size=4m',
      /^MIRROR CRITICAL - 0\.0 MiB free at .*, too little to record a run; 1 of 1 packages fine/,
    ],
    ['read-only', 'ro', /^MIRROR CRITICAL - EROFS: read-only file system, access '.*'; /],
  ])(
    'of states is critical for `status --check` where it is %s, and `status` says so',
    async (_, options, line) => {
      const states = join(site.layout.state, 'state');
      await onDisk(states, options, async () => {
        if (options !== 'ro') {
          await site.run('debian');
          try {
            writeFileSync(join(states, 'filler'), Buffer.alloc(8 * 2 ** 20));
          } catch {
            // It is full now.
          }
        }
        const check = await status('--check');
        expect(check.stdout).toMatch(line);
        expect(check.code).toBe(2);
        expect((await status()).stderr).toContain(': what follows may be out of date');
      });
    },
  );
});
