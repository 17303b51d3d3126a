import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { methodSite } from './site.js';
import type { MethodSite } from './site.js';

let site: MethodSite;

beforeEach(() => {
  site = methodSite();
  return () => site.remove();
});

async function apply(script: string, options: object = {}): Promise<void> {
  const command = ['/bin/sh', '-c', script];
  await site.apply({ c: { synctype: 'command', settings: { options: { command, ...options } } } });
}

function fill(count: number): void {
  for (let index = 0; index < count; index++) writeFileSync(join(site.dst('c'), `f${String(index)}`), 'x\n');
}

test('a command that deletes more than the guard allows blocks the package for the next run', async () => {
  await apply('rm -f f1*; touch new');
  fill(19);
  expect(await site.run('c')).toMatchObject({ code: 77 });
  const { last } = site.state('c');
  expect(last).toMatchObject({ outcome: 'blocked', transfer: { deleted: 10 } });
  expect(last?.reason).toBe('the delete guard: the command has deleted 10 entries, at most 9 may be');
  const before = readdirSync(site.dst('c'));
  expect(await site.run('c')).toMatchObject({ code: 77 });
  expect(readdirSync(site.dst('c'))).toEqual(before);
  expect(await site.run('c', '--allow-deletes', '10')).toMatchObject({ code: 0 });
  expect(site.state('c')).toMatchObject({ blocked: null, size: { files: 10 } });
});

test('deletions of a command that fails count as well', async () => {
  await apply('rm -f *; exit 3');
  fill(8);
  expect(await site.run('c')).toMatchObject({ code: 77 });
  expect(site.state('c').last?.reason).toContain('it ended with: ');
});

test('`guard: none` is an exemption, and deletions are told all the same', async () => {
  await apply('rm -f f*', { guard: 'none' });
  fill(8);
  const { code, stdout } = await site.run('c');
  expect(code).toBe(0);
  expect(stdout).toContain('8 deleted');
});

test('a command may leave dst empty, run after run', async () => {
  await apply('rm -rf tmp; mkdir tmp; rmdir tmp');
  expect(await site.run('c')).toMatchObject({ code: 0 });
  expect(await site.run('c')).toMatchObject({ code: 0 });
  mkdirSync(join(site.dst('c'), 'later'));
  rmSync(join(site.dst('c'), 'later'), { recursive: true });
  expect(await site.run('c')).toMatchObject({ code: 0 });
});
