import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { install, type Installation, type RunResult } from '../run/fixture.js';

describe.skipIf(!MAY_MOUNT)('a state disk that takes nothing (as root)', () => {
  let site: Installation;
  beforeAll(() => {
    site = install();
    site.script('debian', 'true');
  });
  afterAll(() => site.remove());

  const mirror = (command: string, id: string): Promise<RunResult> =>
    site.start([command, '--root', site.root, id]).ended;

  test('that is full is said with the file and with what helps, exit 73', async () => {
    const { state } = site.layout;
    await onDisk(`${state}/state`, 'size=4k', async () => {
      writeFileSync(`${state}/state/filler`, Buffer.alloc(4096));
      const { code, stderr } = await mirror('run', 'debian');
      expect(stderr).toContain(`ENOSPC: no space left on device, `);
      expect(stderr).toContain(`'${state}/state/`);
      expect(stderr).toContain(`help: make room on that disk: df -h ${state}/state; df -i ${state}/state\n`);
      expect(code).toBe(73);
    });
  });

  test.each([
    ['hold', 'hold'],
    ['request', 'push'],
  ])('that is full takes no %s, and `%s` says so', async (word, command) => {
    const directory = `${site.layout.state}/${word}`;
    await onDisk(directory, 'size=4k', async () => {
      writeFileSync(`${directory}/filler`, Buffer.alloc(4096));
      const { code, stderr } = await mirror(command, 'debian');
      expect(stderr).toContain(`'${directory}/`);
      expect(stderr).toContain(`help: make room on that disk: df -h ${directory};`);
      expect(code).toBe(73);
    });
  });

  test('that is read-only is said so, exit 74', async () => {
    const { state } = site.layout;
    await onDisk(`${state}/locks`, 'ro', async () => {
      const { code, stderr } = await mirror('run', 'debian');
      expect(stderr).toMatch(/^mirror: EROFS: read-only file system, open '.*\/locks\//m);
      expect(stderr).toContain(`help: that disk is mounted read-only: findmnt -T ${state}/locks`);
      expect(code).toBe(74);
    });
    await onDisk(`${state}/hold`, 'ro', async () => {
      const { code, stderr } = await mirror('hold', 'debian');
      expect(stderr).toContain(`findmnt -T ${state}/hold`);
      expect(code).toBe(74);
    });
    expect(existsSync(site.layout.holdFile('debian'))).toBe(false);
  });
});
