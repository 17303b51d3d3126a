import { existsSync, readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tryLock } from '../../src/system/flock.js';
import { seededRandom, TRIALS } from '../support/random.js';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { install, toolGroup, tree, until } from './fixture.js';
import type { Installation } from './fixture.js';

const LANES = 8;
const FILES = 6;
/** A kill comes at most this much later than the last whole run took: the machine may be busy with other things, too. */
const LATEST = 1.2;

let site: Installation;
let daemon: Rsyncd;
const upstream = (lane: number): string => join(site.root, `../upstream/${lane}`);

beforeAll(async () => {
  site = install();
  const modules: Record<string, { path: string }> = {};
  for (let lane = 0; lane < LANES; lane++) {
    publish(lane, 0);
    modules[`lane${lane}`] = { path: upstream(lane) };
  }
  daemon = await startRsyncd(modules);
});
afterAll(async () => {
  await daemon.stop();
  site.remove();
});

/** Version n of a lane's upstream: every file says n, and so does the marker, whose time moves on. */
function publish(lane: number, version: number): void {
  const names = Array.from({ length: FILES }, (_, i) => `pool/f${i}`);
  // Upstream drops a file with each version: there is something to delete, too.
  rmSync(join(upstream(lane), `only-${version - 1}`), { force: true });
  tree(upstream(lane), { [`only-${version}`]: '' });
  tree(upstream(lane), Object.fromEntries([...names, 'lastupdate'].map((name) => [name, `${version}\n`])));
  for (const name of [...names, 'lastupdate']) {
    utimesSync(join(upstream(lane), name), 1e9 + version * 10, 1e9 + version * 10);
  }
}

function version(id: string, name: string): number {
  const path = join(site.dst(id), name);
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : -1;
}

function assertWhole(id: string, when: string): void {
  const state = site.layout.state;
  const files = [site.layout.stateFile(id), `${state}/stat.json`, `${site.root}/www/status.json`];
  for (const path of files.filter((file) => existsSync(file))) {
    expect(() => JSON.parse(readFileSync(path, 'utf8')) as unknown, `${path} ${when}`).not.toThrow();
  }
  const claimed = version(id, 'lastupdate');
  for (let i = 0; i < FILES && claimed >= 0; i++) {
    expect(version(id, `pool/f${i}`), `pool/f${i} of ${id} ${when}`).toBeGreaterThanOrEqual(claimed);
  }
  const { last, last_success_log, last_error_log } = site.state(id);
  for (const log of [last?.log, last_success_log, last_error_log]) {
    if (log != null) expect(existsSync(log), `${log} ${when}`).toBe(true);
  }
}

test(
  `${TRIALS} kill -9 of executor or tool at random moments: whatever is on disk is whole, and the next run heals`,
  async () => {
    const seen = { executor: 0, tool: 0, tooLate: 0 };
    const lane = async (number: number): Promise<void> => {
      const next = seededRandom(number + 1);
      const id = `lane${number}`;
      const precheck = { file: 'lastupdate', fullEvery: 604_800, always: [] };
      const job = site.job(id, {
        attempts: site.attempts(id, [daemon.url(id)], { precheck }),
        limits: { concurrent: LANES, per_upstream: 0, load_max: null },
      });
      site.job(id, { ...job, log: { ...job.log, gzip: number % 2 === 0 } });
      let took = 400;
      for (let trial = 1; trial <= TRIALS / LANES; trial++) {
        publish(number, trial);
        const when = `in trial ${trial} of lane ${number}`;
        const running = site.start(['run', '--root', site.root, id]);
        await new Promise((later) => setTimeout(later, next() * LATEST * took));
        const group = toolGroup(site.state(id).run);
        if (running.child.exitCode !== null) seen.tooLate += 1;
        else if (next() < 0.35 && group !== null) {
          seen.tool += 1;
          killGroup(group);
        } else {
          seen.executor += 1;
          running.child.kill('SIGKILL');
        }
        await running.ended;
        assertWhole(id, when);
        // Nothing but an orphaned rsync may hold the lock, and that ends by itself.
        await until(() => {
          const lock = tryLock(site.layout.runLock(id));
          lock?.release();
          return lock !== null;
        }, `the lock ${when}`);
        const began = Date.now();
        const healed = await site.run(id);
        took = Date.now() - began;
        expect(`${String(healed.code)} ${healed.stderr}`, when).toBe('0 ');
        assertWhole(id, `${when}, healed`);
        expect(site.state(id)).toMatchObject({ run: null, errors: 0 });
        for (const name of ['lastupdate', ...Array.from({ length: FILES }, (_, i) => `pool/f${i}`)]) {
          expect(version(id, name), `${name} ${when}`).toBe(trial);
        }
        expect(readdirSync(site.dst(id)).sort()).toEqual(['lastupdate', `only-${trial}`, 'pool']);
      }
    };
    await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
    // The trials must have hit something: executors, tools, and ends that came before.
    expect(seen.executor).toBeGreaterThan(50);
    expect(seen.tool).toBeGreaterThan(10);
    const outcomes = Array.from({ length: LANES }, (_, i) => site.history(`lane${i}`)).flat();
    const kinds = new Set(outcomes.map(({ outcome }) => outcome));
    expect([...kinds]).toEqual(expect.arrayContaining(['synced', 'interrupted', 'failed']));
    expect(readdirSync(join(site.layout.state, 'waiting'))).toEqual([]);
  },
  TRIALS * 3000,
);

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It ended in this very moment.
  }
}
