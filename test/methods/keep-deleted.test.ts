import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { OWN_DIRECTORY } from '../../src/job/never-upstream.js';
import { put, serveUpstream, site, upstream } from './rsync-upstream.js';

serveUpstream({ tree: {} });

beforeEach(() => {
  for (const name of readdirSync(upstream)) rmSync(join(upstream, name), { recursive: true });
  for (let n = 0; n < 10; n += 1) put(`dir/sub/${String(n)}`, `content ${String(n)}`);
  put('changes', 'old');
  put('becomes', 'a file');
});

async function apply(more: object = {}): Promise<void> {
  await site.apply({
    tree: { synctype: 'rsync', keep_deleted: 'P3D', ...more, settings: { src: upstream } },
  });
}

function read(path: string): string {
  return readFileSync(join(site.dst('tree'), path), 'utf8');
}

describe('keep_deleted', () => {
  test('keeps what a run deleted out of readers’ sight, and `restore` brings it back', async () => {
    await apply();
    expect(await site.run('tree')).toMatchObject({ code: 0 });
    rmSync(join(upstream, 'dir/sub'), { recursive: true });
    put('changes', 'new');
    rmSync(join(upstream, 'becomes'));
    put('becomes/inside', 'a file in a directory');
    expect(await site.run('tree', '--allow-deletes', '20')).toMatchObject({ code: 0 });
    expect(readdirSync(site.dst('tree')).sort()).toEqual([OWN_DIRECTORY, 'becomes', 'changes', 'dir']);
    expect(lstatSync(join(site.dst('tree'), OWN_DIRECTORY)).mode & 0o777).toBe(0o700);

    const { code, stdout } = await site.mirror('restore', 'tree', 'dir/sub/3');
    expect([code, stdout]).toEqual([0, '  dir/sub/3\ntree: 1 restored\n']);
    expect(read('dir/sub/3')).toBe('content 3');
    expect(existsSync(join(site.dst('tree'), 'dir/sub/4'))).toBe(false);

    const all = await site.mirror('restore', 'tree', '--json');
    expect(JSON.parse(all.stdout)).toMatchObject({ format: 'mirror/restore/1', not_restored: ['becomes'] });
    expect(read('dir/sub/4')).toBe('content 4');
    // What was replaced was not deleted.
    expect(read('changes')).toBe('new');
    // The next run holds dst to upstream again, and keeps that, too.
    expect(await site.run('tree', '--allow-deletes', '20')).toMatchObject({ code: 0 });
    expect(existsSync(join(site.dst('tree'), 'dir/sub'))).toBe(false);
    expect(await site.mirror('restore', 'tree', 'dir/sub/4')).toMatchObject({ code: 0 });
  });

  test('ends after its time, and when the package no longer has it', async () => {
    await apply();
    expect(await site.run('tree')).toMatchObject({ code: 0 });
    rmSync(join(upstream, 'dir/sub/1'));
    expect(await site.run('tree')).toMatchObject({ code: 0 });
    const kept = join(site.dst('tree'), OWN_DIRECTORY, 'deleted');
    const [name = ''] = readdirSync(kept);
    renameSync(join(kept, name), join(kept, '20200101T000000Z'));
    expect(await site.run('tree')).toMatchObject({ code: 0 });
    expect(existsSync(join(site.dst('tree'), OWN_DIRECTORY))).toBe(false);
    expect(await site.mirror('restore', 'tree')).toMatchObject({
      code: 66,
      stderr:
        'mirror: tree: nothing is kept; `keep_deleted` in the package keeps what later runs delete, e.g. "P3D"\n',
    });

    rmSync(join(upstream, 'dir/sub/2'));
    expect(await site.run('tree')).toMatchObject({ code: 0 });
    expect(readdirSync(kept)).toHaveLength(1);
    await apply({ keep_deleted: undefined });
    expect(await site.run('tree')).toMatchObject({ code: 0 });
    expect(existsSync(join(site.dst('tree'), OWN_DIRECTORY))).toBe(false);
  });

  test('does not restore outside of dst, nor what is not kept', async () => {
    await apply();
    expect(await site.run('tree')).toMatchObject({ code: 0 });
    rmSync(join(upstream, 'dir/sub/1'));
    expect(await site.run('tree')).toMatchObject({ code: 0 });
    expect(await site.mirror('restore', 'tree', '../x')).toMatchObject({ code: 64 });
    expect(await site.mirror('restore', 'tree', 'dir/none')).toMatchObject({ code: 66 });
    expect(await site.mirror('restore', 'other')).toMatchObject({ code: 66 });
    const absolute = join(site.dst('tree'), 'dir/sub/1');
    expect(await site.mirror('restore', 'tree', absolute)).toMatchObject({ code: 0 });
    expect(read('dir/sub/1')).toBe('content 1');
  });
});

test('a run that is killed while rsync deletes leaves a dst that the next run puts back first', async () => {
  for (let n = 0; n < 4000; n += 1) put(`many/${String(n)}`, 'x');
  await apply({ keep_deleted: undefined, guard: { deletes: 3000 } });
  expect(await site.run('tree')).toMatchObject({ code: 0 });
  rmSync(join(upstream, 'many'), { recursive: true });
  mkdirSync(join(upstream, 'many'));
  put('many/0', 'x');
  const undo = join(site.dst('tree'), OWN_DIRECTORY, 'undo/many');
  const program = process.env.MIRROR_TEST_ENTRY ?? join(import.meta.dirname, '../../dist/mirror.cjs');
  const run = spawn(process.execPath, [program, 'run', 'tree', '--root', site.root], {
    detached: true,
    stdio: 'ignore',
  });
  const ended = new Promise((done) => run.on('exit', done));
  while (run.exitCode === null && !existsSync(undo)) await sleep(1);
  // The executor, and rsync with it.
  run.kill('SIGKILL');
  await ended;
  expect(await site.run('tree')).toMatchObject({ code: 77 });
  expect(readdirSync(join(site.dst('tree'), 'many'))).toHaveLength(4000);
  expect(existsSync(join(site.dst('tree'), OWN_DIRECTORY))).toBe(false);
}, 60_000);
