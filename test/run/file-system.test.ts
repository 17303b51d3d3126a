import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { methodSite } from '../methods/site.js';
import type { MethodSite } from '../methods/site.js';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { onPath } from '../support/tools.js';

let site: MethodSite;

beforeEach(() => {
  site = methodSite();
  return () => site.remove();
});

const disk = (): string => join(site.root, 'srv/disk');
const image = (name: string): string => join(site.root, `${name}.img`);

function makeImage(type: string, name: string): void {
  execFileSync('truncate', ['--size=320M', image(name)]);
  execFileSync(`mkfs.${type}`, ['-q', image(name)], { stdio: 'ignore' });
}

function mount(name: string, ...options: string[]): void {
  execFileSync('mount', ['-o', ['loop', ...options].join(), image(name), disk()]);
}

const umount = (): Buffer => execFileSync('umount', [disk()]);

async function apply(): Promise<void> {
  const up = join(site.root, 'up');
  mkdirSync(up, { recursive: true });
  for (const name of ['a', 'b']) writeFileSync(join(up, name), `${name}\n`);
  const dst = join(disk(), 'pkg');
  mkdirSync(dst, { recursive: true });
  await site.apply({ pkg: { synctype: 'rsync', settings: { src: up, dst } } });
}

describe.runIf(MAY_MOUNT)('the file system of a dst', () => {
  test.for(['ext4', 'xfs', 'btrfs'].filter((type) => onPath(`mkfs.${type}`)))(
    '%s is known again after it was mounted anew, by another device, and another one is not taken for it',
    async (type) => {
      mkdirSync(disk(), { recursive: true });
      makeImage(type, 'one');
      makeImage(type, 'two');
      mount('one');
      try {
        await apply();
        expect(await site.run('pkg')).toMatchObject({ code: 0 });
        umount();
        // Takes the device that the first one had.
        const other = join(site.root, 'other');
        mkdirSync(other);
        execFileSync('mount', ['-o', 'loop', image('two'), other]);
        mount('one');
        expect(await site.run('pkg')).toMatchObject({ code: 0 });
        umount();
        mkdirSync(join(other, 'pkg'));
        writeFileSync(join(other, 'pkg/a'), 'a\n');
        execFileSync('umount', [other]);
        mount('two');
        expect(await site.run('pkg')).toMatchObject({ code: 77 });
        expect(site.state('pkg').last?.reason).toContain('is on another file system than at the last run');
        expect(await site.mirror('adopt', '--mount', disk())).toMatchObject({
          code: 0,
          stdout: `pkg: adopted on ${disk()}\n`,
        });
        expect(await site.run('pkg')).toMatchObject({ code: 0 });
      } finally {
        umount();
      }
    },
  );

  test('what an earlier version recorded is carried over by the same device, else a person vouches', async () => {
    await onDisk(disk(), 'size=4m', async () => {
      await apply();
      expect(await site.run('pkg')).toMatchObject({ code: 0 });
      const file = join(site.root, 'var/lib/mirror/state/pkg.json');
      const state = JSON.parse(readFileSync(file, 'utf8')) as { dst: { fs?: object; dev: number } };
      delete state.dst.fs;
      writeFileSync(file, JSON.stringify(state));
      expect(await site.run('pkg')).toMatchObject({ code: 0 });
      expect(site.state('pkg').dst?.fs?.type).toBe('tmpfs');
      delete state.dst.fs;
      state.dst.dev += 1;
      writeFileSync(file, JSON.stringify(state));
      expect(await site.run('pkg')).toMatchObject({ code: 77 });
      expect(await site.mirror('adopt', '--mount', join(site.root, 'nothing'))).toMatchObject({ code: 66 });
      rmSync(join(disk(), 'pkg/a'));
      expect(await site.mirror('adopt', '--mount', disk())).toMatchObject({ code: 0 });
      expect(await site.run('pkg')).toMatchObject({ code: 0 });
    });
  });
});
