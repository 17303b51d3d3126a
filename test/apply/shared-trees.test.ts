import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { MAY_MOUNT } from '../support/disk.js';
import { methodSite } from '../methods/site.js';
import type { MethodSite } from '../methods/site.js';

let site: MethodSite;

beforeEach(() => {
  site = methodSite();
  return () => site.remove();
});

const path = (name: string): string => join(site.root, 'srv', name);
const from = (src: string, dst: string): object => ({ synctype: 'rsync', settings: { src, dst } });
const local = (dst: string): object => ({ synctype: 'local', settings: { dst } });

function directory(name: string): string {
  mkdirSync(path(name), { recursive: true });
  writeFileSync(join(path(name), 'file'), 'x\n');
  return path(name);
}

describe('apply refuses trees that are one, whatever paths they are named by', () => {
  test('two dst, one behind a link', async () => {
    directory('real');
    symlinkSync('real', path('link'));
    await expect(site.apply({ a: local(path('real')), b: local(path('link')) })).rejects.toThrow(/same-dst/);
  });

  test('a dst below another one that is named through a link', async () => {
    directory('real/inner');
    symlinkSync('real', path('link'));
    const up = directory('up');
    const inner = local(path('link/inner'));
    await expect(site.apply({ a: from(up, path('real')), b: inner })).rejects.toThrow(/nested-dst/);
    await site.apply({ a: from(up, path('real')), b: local(path('real/inner')) });
  });

  test.each([
    ['that is its dst', 'real', 'real'],
    ['in its dst', 'real/sub', 'real'],
    ['around its dst', 'real', 'real/sub'],
  ])('a source behind a link %s', async (_, src, dst) => {
    directory('real/sub');
    directory('fine');
    symlinkSync('real', path('link'));
    const linked = path(src.replace('real', 'link'));
    await expect(site.apply({ a: from(linked, path(dst)) })).rejects.toThrow(/nested-src/);
    await expect(site.apply({ a: from(path('fine'), path('x')), x: local(path('x')) })).rejects.toThrow(
      /same-dst/,
    );
    await site.apply({ a: from(path('fine'), path(dst)) });
  });

  test.runIf(MAY_MOUNT)('two dst that are one by a bind mount', async () => {
    directory('real');
    directory('bound');
    execFileSync('mount', ['--bind', path('real'), path('bound')]);
    try {
      await expect(site.apply({ a: local(path('real')), b: local(path('bound')) })).rejects.toThrow(
        /same-dst/,
      );
    } finally {
      execFileSync('umount', [path('bound')]);
    }
  });
});
