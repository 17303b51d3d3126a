import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Layout } from '../../src/job/layout.js';
import type { SiteFile } from '../../src/job/site-file.js';
import { emptyState } from '../../src/state/package-state.js';
import { markDirty, publish } from '../../src/state/publish.js';
import { runEnded, runStarted } from '../../src/state/reduce.js';
import { repair } from '../../src/state/repair.js';
import { writeHold, writeState } from '../../src/state/store.js';
import { tryLock } from '../../src/system/flock.js';
import { bundleChild } from './bundle.js';
import { aPackage, aRecord, aRun, HOUR, makeSite, NOON } from './site.js';

interface Status extends Record<string, unknown> {
  readonly lists: string[];
}

let child: string;
let made: { layout: Layout; site: SiteFile } | undefined;
let warnings: string[] = [];
const warn = (message: string): void => void warnings.push(message);

beforeAll(async () => {
  child = await bundleChild();
});
afterAll(() => rmSync(dirname(child), { recursive: true }));
afterEach(() => {
  if (made) rmSync(made.layout.root, { recursive: true });
  made = undefined;
  warnings = [];
});

function site(...packages: Parameters<typeof makeSite>[0]): { layout: Layout; site: SiteFile } {
  return (made = makeSite(packages));
}

function published(from: SiteFile): Record<string, Record<string, unknown> | undefined> & Status {
  return JSON.parse(readFileSync(from.statusfile, 'utf8')) as never;
}

describe('256 runs that end at once', () => {
  const ids = Array.from({ length: 256 }, (_, i) => `package-${String(i)}`);

  test(
    'lose nothing, and every reader finds whole files at every instant',
    { timeout: 120_000 },
    async () => {
      const { layout, site: applied } = site(...ids.map((id) => aPackage(id)));
      markDirty(layout);
      publish(layout, NOON, warn);
      const children = ids.map((id, i) => start(layout.root, id, String(NOON + i)));
      // Every child is up and waits at its gate when its process sleeps on a read.
      await Promise.all(children.map((process) => once(process, 'spawn')));
      await sleep(500);
      const ends = children.map((process) => once(process, 'exit'));
      const reading = { go: true };
      const read = readWhile(reading, applied, ids.length);
      for (const process of children) process.stdin?.end();
      const codes = (await Promise.all(ends)).map(([code]) => code as number);
      reading.go = false;
      expect(await read).toBeGreaterThan(10);

      expect(new Set(codes)).toEqual(new Set([0]));
      const status = published(applied);
      const times = ids.map((id) => status[id]?.lastsuccesstime);
      expect(times).toEqual(ids.map((_, i) => (NOON + i) / 1000));
      const stat = JSON.parse(readFileSync(applied.statfile, 'utf8')) as {
        packages: Record<string, { lastsync: number }>;
      };
      expect(ids.map((id) => stat.packages[id]?.lastsync)).toEqual(times);
      expect(existsSync(layout.dirtyMarker)).toBe(false);
    },
  );
});

test(
  'a publisher killed at any point leaves whole files, a free lock, and nothing that stays',
  { timeout: 60_000 },
  async () => {
    const { layout, site: applied } = site(
      ...Array.from({ length: 300 }, (_, i) => aPackage(`package-${String(i)}`)),
    );
    markDirty(layout);
    publish(layout, NOON, warn);
    for (let i = 0; i < 40; i++) {
      const victim = start(layout.root, 'forever', '');
      if (victim.stdout) await once(victim.stdout, 'data');
      await sleep((i * 7) % 40);
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      expect(published(applied).lists).toHaveLength(300);
      expect(JSON.parse(readFileSync(applied.statfile, 'utf8'))).toHaveProperty('packages.package-299');
    }
    markDirty(layout);
    publish(layout, NOON + HOUR, warn);
    expect(published(applied).lastupdate).toBeGreaterThanOrEqual(NOON + HOUR);
    repair(layout, Date.now() + 2 * HOUR, warn);
    const litter = [dirname(applied.statfile), dirname(applied.statusfile)].flatMap((path) =>
      readdirSync(path),
    );
    expect(litter.filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(warnings).toEqual([]);
  },
);

describe('publishing', () => {
  test('keeps stat.json from others, and status.json as the web server had it', () => {
    const { layout, site: applied } = site(aPackage('debian'));
    run(layout);
    expect(statSync(applied.statfile).mode & 0o777).toBe(0o640);
    expect(statSync(applied.statusfile).mode & 0o777).toBe(0o644);
    chmodSync(applied.statusfile, 0o664);
    chmodSync(applied.statfile, 0o644);
    run(layout);
    expect(statSync(applied.statusfile).mode & 0o777).toBe(0o664);
    expect(statSync(applied.statfile).mode & 0o777).toBe(0o640);
  });

  test('a reader in the middle of a file keeps the old one to its end', () => {
    const { layout, site: applied } = site(aPackage('debian'));
    run(layout);
    const files = [applied.statfile, applied.statusfile];
    const before = files.map((path) => ({ fd: openSync(path, 'r'), text: readFileSync(path, 'utf8') }));
    writeState(layout, runEnded(emptyState('debian'), aRecord('failed', NOON)));
    run(layout);
    for (const { fd, text } of before) {
      expect(readFileSync(fd, 'utf8')).toBe(text);
      closeSync(fd);
    }
    expect(files.map((path) => readFileSync(path, 'utf8'))).not.toEqual(before.map(({ text }) => text));
  });

  test('shows holds, staleness, living runs, and our own tree', () => {
    const own = aPackage('own', { synctype: 'local', syncrate: '', stale_after: null, dst: '/tmp' });
    const gone = aPackage('gone', {
      synctype: 'local',
      syncrate: '',
      stale_after: null,
      dst: '/nonexistent',
    });
    const { layout, site: applied } = site(
      aPackage('held'),
      aPackage('old'),
      aPackage('busy'),
      aPackage('dead'),
      own,
      gone,
    );
    writeHold(layout, 'held', { since: NOON, until: null, by: 'kim', reason: null });
    writeState(layout, runEnded(emptyState('held'), aRecord('synced', NOON)));
    writeState(layout, runEnded(emptyState('old'), aRecord('synced', NOON - 25 * HOUR)));
    writeState(layout, runStarted(emptyState('busy'), aRun(), NOON));
    writeState(layout, runStarted(emptyState('dead'), aRun({ pid_start: 1 }), NOON));
    run(layout);
    const status = published(applied);
    const words = Object.fromEntries(status.lists.map((id) => [id, status[id]?.status]));
    expect(words).toEqual({
      held: 'UNKNOWN',
      old: 'ERROR',
      busy: 'SYNC',
      dead: 'UNKNOWN',
      own: 'ACTIVE',
      gone: 'UNKNOWN',
    });
  });

  test('a run whose executor is gone or out of sight is SYNC as long as its lock is held', () => {
    const { layout, site: applied } = site(aPackage('debian'));
    writeState(layout, runStarted(emptyState('debian'), aRun({ pid_start: 1 }), NOON));
    const lock = tryLock(layout.runLock('debian'));
    run(layout);
    expect(published(applied).debian?.status).toBe('SYNC');
    lock?.release();
    run(layout);
    expect(published(applied).debian?.status).toBe('UNKNOWN');
  });

  test('leaves it to a publisher at work, which finds the marker', () => {
    const { layout, site: applied } = site(aPackage('debian'));
    const lock = tryLock(layout.publishLock);
    run(layout);
    expect(existsSync(applied.statusfile)).toBe(false);
    expect(existsSync(layout.dirtyMarker)).toBe(true);
    lock?.release();
    publish(layout, NOON, warn);
    expect(existsSync(applied.statusfile)).toBe(true);
  });

  test('reads again what changed while it was reading', () => {
    const { layout, site: applied } = site(aPackage('debian'), aPackage('ubuntu'));
    writeFileSync(layout.stateFile('ubuntu'), 'broken');
    markDirty(layout);
    // The warning about ubuntu comes when debian has been read: the moment for another process to end debian's run.
    publish(layout, NOON, () => {
      writeState(layout, runEnded(emptyState('debian'), aRecord('synced', NOON)));
      markDirty(layout);
    });
    expect(published(applied).debian?.status).toBe('ACTIVE');
  });

  test('does nothing when nothing changed', () => {
    const { layout, site: applied } = site(aPackage('debian'));
    publish(layout, NOON, warn);
    expect(existsSync(applied.statusfile)).toBe(false);
  });

  test('a web directory that is not there is a warning, and the other file is written', () => {
    const { layout, site: applied } = site(aPackage('debian'));
    rmSync(dirname(applied.statusfile), { recursive: true });
    run(layout);
    expect(warnings).toEqual([expect.stringContaining('status.json was not published')]);
    expect(existsSync(applied.statfile)).toBe(true);
  });

  test('a state that is broken makes its package UNKNOWN and nothing else', () => {
    const { layout, site: applied } = site(aPackage('debian'), aPackage('ubuntu'));
    writeState(layout, runEnded(emptyState('ubuntu'), aRecord('synced', NOON)));
    writeFileSync(layout.stateFile('debian'), '{"format":');
    run(layout);
    expect(published(applied)).toMatchObject({ debian: { status: 'UNKNOWN' }, ubuntu: { status: 'ACTIVE' } });
    expect(warnings).toHaveLength(1);
  });

  test('a site of another format, or locks that cannot be made, are warnings', () => {
    const { layout } = site(aPackage('debian'));
    writeFileSync(layout.siteFile, '{"format":"mirror/site/9"}');
    run(layout);
    expect(warnings).toEqual([expect.stringContaining('mirror/site/9')]);
    rmSync(`${layout.state}/locks`, { recursive: true });
    run(layout);
    expect(warnings).toHaveLength(2);
  });

  test('a rehearsal below --root never writes the files of the live site', () => {
    const { layout, site: applied } = site(aPackage('debian'));
    const live = makeSite([]);
    try {
      const statusfile = `${live.layout.root}/www/status.json`;
      writeFileSync(layout.siteFile, JSON.stringify({ ...applied, statusfile }));
      run(layout);
      expect(existsSync(statusfile)).toBe(false);
      expect(warnings).toEqual([expect.stringContaining(`${statusfile} is outside ${layout.root}`)]);
    } finally {
      rmSync(live.layout.root, { recursive: true });
    }
  });

  function run(layout: Layout): void {
    markDirty(layout);
    publish(layout, NOON, warn);
  }
});

describe('repair', () => {
  test('ends a run whose executor died, in state and history, and keeps one that lives', () => {
    const { layout } = site(aPackage('dead'), aPackage('alive'), aPackage('orphan'), aPackage('stopped'));
    for (const id of ['dead', 'orphan', 'stopped']) {
      writeState(layout, runStarted(emptyState(id), aRun({ pid_start: 1 }), NOON));
    }
    writeState(layout, runStarted(emptyState('alive'), aRun(), NOON));
    writeFileSync(layout.stopFile('stopped'), '{"at":1,"by":"kim"}');
    writeFileSync(layout.waitingFile('dead'), '{}');
    const lock = tryLock(layout.runLock('orphan'));
    expect(repair(layout, NOON + HOUR, warn).lost).toEqual(['dead', 'stopped']);
    lock?.release();
    expect(state(layout, 'dead')).toMatchObject({
      run: null,
      last: { outcome: 'interrupted', ended: NOON + HOUR },
    });
    expect(state(layout, 'stopped')).toMatchObject({ run: null, last: { outcome: 'stopped' } });
    expect(state(layout, 'alive')).toHaveProperty('run.pid', process.pid);
    expect(state(layout, 'orphan')).toHaveProperty('run.pid', process.pid);
    expect(readFileSync(layout.historyFile('dead'), 'utf8')).toContain('"interrupted"');
    expect(existsSync(layout.stopFile('stopped'))).toBe(false);
    expect(existsSync(layout.waitingFile('dead'))).toBe(false);
    expect(repair(layout, NOON + HOUR, warn).lost).toEqual(['orphan']);
  });

  test('a run of another boot is dead even when its pid is in use', () => {
    const { layout } = site(aPackage('debian'));
    writeState(layout, runStarted(emptyState('debian'), aRun({ boot_id: 'the one before' }), NOON));
    expect(repair(layout, NOON, warn).lost).toEqual(['debian']);
  });

  test('removes holds that ran out, and names requests that nobody serves', () => {
    const { layout } = site(aPackage('a'), aPackage('b'));
    for (const id of ['idle', 'busy', 'held', 'removed']) writeFileSync(layout.requestFile(id), '{}');
    for (const id of ['idle', 'busy', 'held']) writeFileSync(layout.job(id), '{}');
    writeState(layout, runStarted(emptyState('busy'), aRun(), NOON));
    writeHold(layout, 'held', { since: 0, until: null, by: 'kim', reason: null });
    writeHold(layout, 'over', { since: 0, until: NOON, by: 'kim', reason: null });
    expect(repair(layout, NOON, warn)).toEqual({ lost: [], released: ['over'], requested: ['idle'] });
    expect(existsSync(layout.holdFile('over'))).toBe(false);
    expect(existsSync(layout.holdFile('held'))).toBe(true);
  });

  test('leaves the temporary files of writers at work alone, and other people’s files for ever', () => {
    const { layout, site: applied } = site(aPackage('debian'));
    const young = `${layout.state}/state/.debian.json.0123456789ab.tmp`;
    const theirs = `${dirname(applied.statusfile)}/.upload.0123456789ab.tmp`;
    for (const path of [young, theirs]) writeFileSync(path, '');
    repair(layout, Date.now(), warn);
    expect(existsSync(young)).toBe(true);
    repair(layout, Date.now() + 2 * HOUR, warn);
    expect(existsSync(young)).toBe(false);
    expect(existsSync(theirs)).toBe(true);
  });

  function state(layout: Layout, id: string): unknown {
    return JSON.parse(readFileSync(layout.stateFile(id), 'utf8'));
  }
});

test(
  'a run’s own update costs about the same with 5,000 packages on disk as with 10',
  { timeout: 60_000 },
  () => {
    // In memory, so that the disk's own load does not count; `npm run bench` has the figure itself, at most 1.5.
    const [few, many] = [makeSite([], '/dev/shm').layout, makeSite([], '/dev/shm').layout];
    try {
      for (let i = 0; i < 5000; i++) {
        const id = `package-${String(i)}`;
        writeFileSync(many.stateFile(id), JSON.stringify(runEnded(emptyState(id), aRecord('synced', NOON))));
      }
      const times = Array.from({ length: 61 }, () => [update(few), update(many)] as const);
      expect(median(times.map(([, ofMany]) => ofMany)) / median(times.map(([ofFew]) => ofFew))).toBeLessThan(
        2,
      );
    } finally {
      rmSync(few.root, { recursive: true });
      rmSync(many.root, { recursive: true });
    }

    function update(layout: Layout): number {
      const before = performance.now();
      writeState(layout, runEnded(emptyState('package-7'), aRecord('synced', NOON)));
      markDirty(layout);
      return performance.now() - before;
    }

    function median(times: readonly number[]): number {
      return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
    }
  },
);

function start(...args: string[]): ChildProcess {
  const env = { ...process.env };
  delete env.NODE_EXTRA_CA_CERTS;
  return spawn(process.execPath, [child, ...args], { stdio: ['pipe', 'pipe', 'inherit'], env });
}

/** Reads both files again and again; every reading must be a whole one. Returns how many there were. */
async function readWhile(reading: { go: boolean }, from: SiteFile, packages: number): Promise<number> {
  let readings = 0;
  while (reading.go) {
    const status = JSON.parse(readFileSync(from.statusfile, 'utf8')) as Status;
    const stat = JSON.parse(readFileSync(from.statfile, 'utf8')) as { packages: object };
    expect(status.lists).toHaveLength(packages);
    expect(Object.keys(stat.packages)).toHaveLength(packages);
    readings += 1;
    await sleep(1);
  }
  return readings;
}
