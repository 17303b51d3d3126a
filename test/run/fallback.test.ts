import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Guard, Job } from '../../src/job/job.js';
import { tryLock } from '../../src/system/flock.js';
import { freePort, startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { install, listing, manyFiles, tree } from './fixture.js';
import type { Installation } from './fixture.js';

// A source that is asked only because the first one is away: it may lag behind, and proves nothing about dst.

const guard: Guard = { deletes: 3, ratio: 0.1, min_free: { bytes: 0 }, mount: null };

let site: Installation;
let daemon: Rsyncd;
let upstream: string;
let other: string;
let dead: string;

beforeAll(async () => {
  site = install();
  upstream = join(site.root, '../upstream');
  other = join(site.root, '../other');
  tree(upstream, {});
  daemon = await startRsyncd({ first: { path: upstream } });
  dead = `rsync://127.0.0.1:${await freePort()}/first`;
});
afterAll(async () => {
  await daemon.stop();
  site.remove();
});
beforeEach(() => {
  for (const path of [upstream, other]) rmSync(path, { recursive: true, force: true });
  tree(upstream, manyFiles(20));
  tree(other, manyFiles(5));
});

/** Writes the job: its first source as it should be, or one where nobody listens. */
function job(id: string, first: 'up' | 'down', change: Partial<Job> = {}): void {
  const sources = [first === 'up' ? daemon.url('first') : dead, other];
  site.job(id, { attempts: site.attempts(id, sources), guard, ...change });
}

test('a sync from a fallback does not lift the block, even where a person allowed deletions', async () => {
  job('guarded', 'up');
  expect((await site.run('guarded')).code).toBe(0);
  rmSync(upstream, { recursive: true });
  tree(upstream, manyFiles(5));
  expect((await site.run('guarded')).code).toBe(77);
  const { blocked } = site.state('guarded');
  expect(blocked).toMatchObject({ limit: 3 });

  job('guarded', 'down');
  expect((await site.run('guarded', '--allow-deletes', '15')).code).toBe(0);
  expect(site.state('guarded').last).toMatchObject({ outcome: 'synced', src: other });
  expect(site.state('guarded').blocked).toEqual(blocked);
  expect(listing(site.dst('guarded'))).toHaveLength(20);

  job('guarded', 'up');
  expect((await site.run('guarded')).code).toBe(77);
  expect((await site.run('guarded', '--allow-deletes', '15')).code).toBe(0);
  expect(site.state('guarded').blocked).toBeNull();
});

test('a fallback that has less does not make dst look smaller to the delete guard', async () => {
  const usual = { guard: { ...guard, deletes: 40_000 } };
  job('measured', 'up', usual);
  await site.run('measured');
  expect(site.state('measured').size).toMatchObject({ files: 21 });
  job('measured', 'down', usual);
  await site.run('measured');
  expect(site.state('measured').last).toMatchObject({ outcome: 'synced', src: other });
  expect(site.state('measured').size).toMatchObject({ files: 21 });
});

test('where the fallback has no free slot, how the first source ended is what is recorded', async () => {
  const exec = (text: string) => ({ kind: 'exec', tool: 'command', argv: ['sh', '-c', text] }) as const;
  const flag = join(site.root, 'asked');
  site.job('crowded', {
    attempts: [
      { src: 'first', upstream: 'first.example.org', steps: [exec('echo dead; exit 69')] },
      { src: 'second', upstream: 'second.example.org', steps: [exec(`touch ${flag}`)] },
    ],
    limits: { concurrent: 0, per_upstream: 1, load_max: null },
    // A run waits for a slot until the next one is due.
    schedule: { rule: { kind: 'interval', every: 2, phase: 0 }, windows: [], zone: 'UTC' },
  });
  const taken = tryLock(site.layout.slotLock('upstream-second.example.org', 0));
  expect((await site.run('crowded')).code).toBe(69);
  taken?.release();
  expect(existsSync(flag)).toBe(false);
  expect(site.state('crowded')).toMatchObject({
    run: null,
    errors: 1,
    last: { outcome: 'failed', failure: 'unavailable', src: 'first' },
  });
  expect(site.log('crowded')).toContain('dead\n');
});
