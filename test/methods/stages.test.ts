import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { onPath } from '../support/tools.js';
import { changingArchive, startReader } from './changing-archive.js';
import type { ChangingArchive, Reader } from './changing-archive.js';
import { methodSite } from './site.js';

const GENERATIONS = 10;

/** Kinds of syncs, all of the same archive at the same time. */
const PACKAGES = ['staged', 'ubuntu', 'plain'] as const;

const site = methodSite();
let archive: ChangingArchive;
let rsyncd: Rsyncd;

const skipped = onPath('apt-ftparchive') ? null : 'needs apt-ftparchive (apt-utils)';

describe.skipIf(skipped !== null)(`stages${skipped === null ? '' : ` (skipped: ${skipped})`}`, () => {
  beforeAll(async () => {
    archive = changingArchive(GENERATIONS);
    rsyncd = await startRsyncd({ archive: { path: archive.path } });
    // Slow enough that upstream publishes during many of the passes.
    const options = { bwlimit: '2m', timeout: 20 };
    const settings = (more: object): object => ({
      src: rsyncd.url('archive'),
      options: { ...options, ...more },
    });
    await site.apply({
      staged: { synctype: 'rsync', settings: settings({ stage_set: 'debian' }) },
      ubuntu: { synctype: 'ubuntu', settings: settings({}) },
      plain: { synctype: 'rsync', settings: settings({ bwlimit: '1m' }) },
    });
  }, 60_000);

  afterAll(async () => {
    await rsyncd.stop();
    site.remove();
    archive.remove();
  });

  test('who reads a mirror that is synced in stages never misses a file, however often upstream publishes', async () => {
    const published = new AbortController();
    const syncs = PACKAGES.map((id) => startSyncing(id, published.signal));
    const [staged, ubuntu, plain] = syncs as [Syncs, Syncs, Syncs];
    for (let at = 1; at < GENERATIONS; at++) {
      await sleep(300 + ((at * 613) % 1300));
      // At most two generations for each that gets through, on a busy machine too.
      while ([staged, ubuntu].some(({ codes }) => codes.filter((code) => code === 0).length < at / 2))
        await sleep(50);
      archive.publish();
    }
    // Runs that begin from now on find nothing that changes.
    for (const { codes } of [staged, ubuntu]) {
      for (const before = codes.length; codes.length < before + 2;) await sleep(50);
    }
    published.abort();
    await Promise.all(syncs.map(({ ended }) => ended));

    for (const { reader, codes } of [staged, ubuntu]) {
      expect([...reader.failures]).toEqual([]);
      expect(reader.seen.size).toBeGreaterThan(3);
      expect(reader.seen).toContain(String(GENERATIONS - 1));
      // 69: upstream changed in each round.
      expect(codes.filter((code) => code !== 0 && code !== 69)).toEqual([]);
    }
    // The same reader finds what is wrong where nothing is done about it.
    expect(plain.reader.failures.size).toBeGreaterThan(0);
  }, 180_000);
});

interface Syncs {
  readonly reader: Reader;
  /** Exit codes of the runs that have ended. */
  readonly codes: readonly (number | null)[];
  readonly ended: Promise<void>;
}

/** Syncs a package again and again while a reader walks it. */
function startSyncing(id: string, over: AbortSignal): Syncs {
  const reader = startReader(site.dst(id));
  const codes: (number | null)[] = [];
  const ended = (async () => {
    do codes.push((await site.run(id)).code);
    while (!over.aborted);
    await reader.stop();
  })();
  return { reader, codes, ended };
}
