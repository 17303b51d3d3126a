import { existsSync, readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptyState } from '../../src/state/package-state.js';
import { writeState } from '../../src/state/store.js';
import {
  assertWholeJson,
  callOf,
  countCalls,
  explain,
  failingDisk,
  isTransparent,
  noFaults,
  spreadFaults,
} from '../support/io-faults.js';
import type { FailingDisk } from '../support/io-faults.js';
import { install, tree } from './fixture.js';
import type { Installation } from './fixture.js';

/** What a run or a publishing must do whatever call on a file fails. */
describe.skipIf(noFaults)(`a disk that fails once${noFaults ? ` (skipped: ${noFaults})` : ''}`, () => {
  let site: Installation;
  let disk: FailingDisk;
  beforeAll(() => {
    site = install();
    disk = failingDisk(site.root, dirname(site.root));
  });
  afterAll(() => site.remove());

  test.each([
    ['debian', false],
    ['zipped', true],
  ])(
    'under `mirror run %s`: it succeeds in truth or says what failed, and the next run heals',
    async (id, gzip) => {
      const upstream = join(site.root, '../upstream', id);
      const precheck = { file: 'lastupdate', fullEvery: 604_800, always: [] };
      const job = site.job(id, { attempts: site.attempts(id, [upstream], { precheck }) });
      // Without what failed to be published, which is a warning, nobody could tell.
      site.job(id, { ...job, log: { ...job.log, gzip, console_level: 'WARNING' } });
      const run = ['run', '--root', site.root, id];
      publishVersion(upstream, 0);
      expect(await disk.mirror(run)).toMatchObject({ code: 0 });
      const points = spreadFaults(gzip ? 2 : 1);
      const calls = await countCalls(disk, points, run, (trial) => publishVersion(upstream, trial));
      let hits = 0;
      for (const [index, point] of points.entries()) {
        publishVersion(upstream, index + 10);
        const before = site.history(id).length;
        const began = Date.now();
        const ended = await disk.mirror(run, point.fault, callOf(point, calls));
        const when = explain(index, point, ended);
        if (ended.failed !== '') hits += 1;
        assertWholeJson(site.root, when);
        if (isTransparent(point)) expect(`${String(ended.code)} ${ended.stderr}`, when).toBe('0 ');
        if (ended.code === 0) {
          const { last, run, last_success } = site.state(id);
          expect({ last, run }, when).toMatchObject({ run: null, last: { outcome: 'synced' } });
          expect(last_success, when).toBeGreaterThanOrEqual(began);
          expect(site.history(id).length, when).toBe(before + 1);
          expect(site.history(id).at(-1), when).toEqual(last);
          expect(existsSync(last?.log ?? ''), when).toBe(true);
          expect(site.log(id), when).toMatch(/INFO # synced\n$/);
          expect(readFileSync(join(site.dst(id), 'file'), 'utf8'), when).toBe(String(index + 10));
          if (ended.stderr === '') expect(lastSuccess(site, id), when).toBe(last_success);
        } else expect(ended.stderr + ended.stdout, when).not.toBe('');

        const healed = await disk.mirror(run);
        expect(`${String(healed.code)} ${healed.stderr}`, when).toBe('0 ');
        const { last, last_success, ...state } = site.state(id);
        expect(state, when).toMatchObject({ run: null, errors: 0, blocked: null });
        expect(site.history(id).at(-1), when).toEqual(last);
        expect(lastSuccess(site, id), when).toBe(last_success);
        expect(readFileSync(join(site.dst(id), 'file'), 'utf8'), when).toBe(String(index + 10));
        expect(existsSync(site.layout.dirtyMarker), when).toBe(false);
      }
      expect(readdirSync(join(site.layout.state, 'waiting'))).toEqual([]);
      expect(hits).toBeGreaterThan(points.length * 0.8);
    },
    spreadFaults(1).length * 6000,
  );

  test(
    'under `mirror publish`: it publishes what is true or says what failed, and the next one heals',
    async () => {
      site.job('CTAN', { attempts: site.attempts('CTAN', ['/nowhere']) });
      const publish = ['publish', '--root', site.root];
      const change = (trial: number): void =>
        writeState(site.layout, {
          ...emptyState('CTAN'),
          last_end: trial * 1000,
          last_success: trial * 1000,
        });
      expect(await disk.mirror(publish)).toMatchObject({ code: 0 });
      const points = spreadFaults(3);
      const calls = await countCalls(disk, points, publish, change);
      for (const [index, point] of points.entries()) {
        change(index + 10);
        const ended = await disk.mirror(publish, point.fault, callOf(point, calls));
        const when = explain(index, point, ended);
        assertWholeJson(site.root, when);
        if (isTransparent(point)) expect(`${String(ended.code)} ${ended.stderr}`, when).toBe('0 ');
        if (ended.code === 0) expect(lastSuccess(site, 'CTAN'), when).toBe((index + 10) * 1000);
        else expect(ended.stderr, when).not.toBe('');
        const healed = await disk.mirror(publish);
        expect(`${String(healed.code)} ${healed.stderr}`, when).toBe('0 ');
        expect(lastSuccess(site, 'CTAN'), when).toBe((index + 10) * 1000);
        expect(existsSync(site.layout.dirtyMarker), when).toBe(false);
      }
    },
    spreadFaults(1).length * 6000,
  );
});

/** Every file of upstream says this version; the marker's time moves on. */
function publishVersion(upstream: string, version: number): void {
  rmSync(join(upstream, `only-${String(version - 1)}`), { force: true });
  const text = String(version);
  tree(upstream, { file: text, lastupdate: text, [`only-${text}`]: '' });
  for (const name of ['file', 'lastupdate'])
    utimesSync(join(upstream, name), 1e9 + version * 10, 1e9 + version * 10);
}

/** Epoch ms of a package's last success as both published files have it; null where they differ. */
function lastSuccess(site: Installation, id: string): number | null {
  const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
  const status = read(join(site.root, 'www/status.json')) as Record<string, { lastsuccesstime: number }>;
  const stat = read(join(site.layout.state, 'stat.json')) as {
    packages: Record<string, { lastsync: number }>;
  };
  const [shown, kept] = [status[id]?.lastsuccesstime, stat.packages[id]?.lastsync];
  return shown === kept && shown !== undefined ? Math.round(shown * 1000) : null;
}
