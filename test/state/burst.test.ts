import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SiteFile } from '../../src/job/site-file.js';
import { emptyState } from '../../src/state/package-state.js';
import { markDirty, publish } from '../../src/state/publish.js';
import { runEnded } from '../../src/state/reduce.js';
import { repair } from '../../src/state/repair.js';
import { TRIALS } from '../support/random.js';
import { bundleChild } from './bundle.js';
import { publishedStatus, aPackage, aRecord, HOUR, NOON } from './site.js';
import { siteOfTest } from './site-of-test.js';

let child: string;
let warnings: string[] = [];
const warn = (message: string): void => void warnings.push(message);

beforeAll(async () => {
  child = await bundleChild();
});
afterAll(() => rmSync(dirname(child), { recursive: true }));
afterEach(() => void (warnings = []));

/** Packages of the site in which runs end at once: 1,000, or 5,000 in `npm run soak`. */
const AMONG = TRIALS < 1000 ? 1000 : 5000;

describe(`256 runs that end at once among ${String(AMONG)} packages`, () => {
  const all = Array.from({ length: AMONG }, (_, i) => `package-${String(i)}`);
  const [ids, others] = [all.slice(0, 256), all.slice(256)];

  test(
    'lose nothing, and every reader finds whole files at every instant',
    { timeout: 300_000 },
    async () => {
      const { layout, site: applied } = siteOfTest(...all.map((id) => aPackage(id)));
      for (const id of others) {
        const state = runEnded(emptyState(id), aRecord('synced', NOON - HOUR));
        writeFileSync(layout.stateFile(id), JSON.stringify(state));
      }
      markDirty(layout);
      publish(layout, NOON, warn);
      const children = ids.map((id, i) => start(layout.root, id, String(NOON + i)));
      // Each says when it waits at its gate.
      await Promise.all(children.map(saidSomething));
      const ends = children.map((process) => once(process, 'exit'));
      const reading = { go: true };
      const read = readWhile(reading, applied, AMONG);
      for (const process of children) process.stdin?.end();
      const codes = (await Promise.all(ends)).map(([code]) => code as number);
      reading.go = false;
      expect(await read).toBeGreaterThan(10);

      expect(new Set(codes)).toEqual(new Set([0]));
      const status = publishedStatus(applied);
      const times = ids.map((id) => status[id]?.lastsuccesstime);
      expect(times).toEqual(ids.map((_, i) => (NOON + i) / 1000));
      const stat = JSON.parse(readFileSync(applied.statfile, 'utf8')) as {
        packages: Record<string, { lastsync: number }>;
      };
      expect(ids.map((id) => stat.packages[id]?.lastsync)).toEqual(times);
      expect(others.filter((id) => stat.packages[id]?.lastsync !== (NOON - HOUR) / 1000)).toEqual([]);
      expect(existsSync(layout.dirtyMarker)).toBe(false);
    },
  );
});

test(
  'a publisher killed at any point leaves whole files, a free lock, and nothing that stays',
  { timeout: 60_000 },
  async () => {
    const { layout, site: applied } = siteOfTest(
      ...Array.from({ length: 300 }, (_, i) => aPackage(`package-${String(i)}`)),
    );
    markDirty(layout);
    publish(layout, NOON, warn);
    for (let i = 0; i < 40; i++) {
      const victim = start(layout.root, 'forever', '');
      await saidSomething(victim);
      await sleep((i * 7) % 40);
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      expect(publishedStatus(applied).lists).toHaveLength(300);
      expect(JSON.parse(readFileSync(applied.statfile, 'utf8'))).toHaveProperty('packages.package-299');
    }
    markDirty(layout);
    publish(layout, NOON + HOUR, warn);
    expect(publishedStatus(applied).lastupdate).toBeGreaterThanOrEqual(NOON + HOUR);
    repair(layout, Date.now() + 2 * HOUR, warn);
    const litter = [dirname(applied.statfile), dirname(applied.statusfile)].flatMap((path) =>
      readdirSync(path),
    );
    expect(litter.filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(warnings).toEqual([]);
  },
);

function start(...args: string[]): ChildProcess {
  const env = { ...process.env };
  delete env.NODE_EXTRA_CA_CERTS;
  return spawn(process.execPath, [child, ...args], { stdio: ['pipe', 'pipe', 'inherit'], env });
}

async function saidSomething({ stdout }: ChildProcess): Promise<void> {
  if (stdout) await once(stdout, 'data');
}

/** Reads both files again and again; every reading must be a whole one. Returns how many there were. */
async function readWhile(reading: { go: boolean }, from: SiteFile, packages: number): Promise<number> {
  let readings = 0;
  while (reading.go) {
    const status = JSON.parse(readFileSync(from.statusfile, 'utf8')) as { lists: string[] };
    const stat = JSON.parse(readFileSync(from.statfile, 'utf8')) as { packages: object };
    expect(status.lists).toHaveLength(packages);
    expect(Object.keys(stat.packages)).toHaveLength(packages);
    readings += 1;
    // A burst of readings in each turn: 256 processes leave us few turns.
    if (readings % 20 === 0) await sleep(1);
  }
  return readings;
}
