import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { leftOut, proveArchive } from '../../src/methods/apt-archive.js';
import { context, source } from '../compile/site.js';
import { useAptMirror } from '../support/apt-client.js';
import { makeAptRepo, makeSigningKey } from '../support/apt-repo.js';
import type { AptRepo, SigningKey } from '../support/apt-repo.js';
import { matching } from '../support/matching.js';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { onPath } from '../support/tools.js';
import { methodSite } from './site.js';
import type { MethodSite } from './site.js';

const WITHOUT = ['apt-ftparchive', 'gpg', 'apt-get', 'ftpsync'].filter((tool) => !onPath(tool));

/** Methods that mirror a whole archive; `holds`: its index is published after the proof. */
const METHODS: readonly { synctype: string; options: object; holds: boolean }[] = [
  { synctype: 'rsync', options: { stage_set: 'debian' }, holds: true },
  { synctype: 'ubuntu', options: {}, holds: true },
  { synctype: 'ftpsync', options: {}, holds: false },
];

const BINARY = 'dists/stable/main/binary-amd64';

describe.skipIf(WITHOUT.length > 0)(
  `the proof of a whole archive${WITHOUT.map((tool) => ` (no ${tool})`).join('')}`,
  () => {
    let site: MethodSite;
    let scratch = '';
    let key: SigningKey;
    let rsyncd: Rsyncd;
    let repo: AptRepo;

    beforeAll(async () => {
      scratch = mkdtempSync(join(tmpdir(), 'mirror-archive-'));
      site = methodSite();
      key = makeSigningKey();
      rsyncd = await startRsyncd({ archive: { path: join(scratch, 'archive') } });
    });

    afterAll(async () => {
      await rsyncd.stop();
      key.remove();
      site.remove();
      rmSync(scratch, { recursive: true, force: true });
    });

    beforeEach(() => {
      rmSync(join(scratch, 'archive'), { recursive: true, force: true });
      repo = makeAptRepo(join(scratch, 'archive'));
      for (const name of ['bash', 'dash']) repo.add(name, '1.0');
      repo.publish(key);
    });

    let count = 0;
    let id = '';

    async function apply(synctype: string, options: object): Promise<void> {
      count += 1;
      id = `archive${String(count)}`;
      await site.apply({ [id]: { synctype, settings: { src: rsyncd.url('archive'), options } } });
    }

    const last = (): object => site.state(id).last ?? {};
    const inRelease = (): string => readFileSync(join(site.dst(id), 'dists/stable/InRelease'), 'utf8');

    test.each(METHODS)(
      '$synctype: what clients use is whole, and read once',
      async ({ synctype, options }) => {
        await apply(synctype, options);
        expect(await site.run(id)).toMatchObject({ code: 0 });
        expect(site.log(id)).toContain('proved 1 distributions: 1 indexes read, 0 had not changed');
        expect(await useAptMirror(site.dst(id), key.keyring, ['bash'])).toMatchObject({ code: 0 });
        expect(await site.run(id)).toMatchObject({ code: 0 });
        expect(site.log(id)).toContain('proved 1 distributions: 0 indexes read, 1 had not changed');
      },
    );

    const faults: [string, RegExp, () => void][] = [
      [
        'a package that its index names is not there',
        /1 files that the index names are not there.*zsh_1\.0/,
        () => {
          const path = repo.add('zsh', '1.0');
          repo.publish(key);
          rmSync(join(repo.path, path));
        },
      ],
      [
        'a package has another size',
        /not there, or have another size.*zsh_1\.0/,
        () => {
          const path = repo.add('zsh', '1.0');
          repo.publish(key);
          appendFileSync(join(repo.path, path), 'x');
        },
      ],
      [
        'an index is not the one of the Release file',
        /Packages\.xz is not what the Release file says/,
        () => {
          repo.add('zsh', '1.0');
          repo.publish(key);
          appendFileSync(join(repo.path, BINARY, 'Packages.xz'), 'x');
        },
      ],
      [
        'an index is gone in all compressions',
        /is not there any more|none of the indexes|not what the Release/,
        () => {
          repo.add('zsh', '1.0');
          repo.publish(key);
          for (const name of readdirSync(join(repo.path, BINARY))) rmSync(join(repo.path, BINARY, name));
        },
      ],
    ];

    test.each(
      METHODS.flatMap((method) => faults.map((fault) => [method.synctype, ...fault, method] as const)),
    )('%s: %s', async (synctype, _, reason, upset, { options, holds }) => {
      await apply(synctype, options);
      expect(await site.run(id)).toMatchObject({ code: 0 });
      const before = inRelease();
      upset();
      expect(await site.run(id)).toMatchObject({ code: 69 });
      expect(last()).toMatchObject({ failure: 'transfer', reason: matching(reason) });
      if (!holds) return;
      expect(inRelease()).toBe(before);
      expect(await useAptMirror(site.dst(id), key.keyring, ['bash'])).toMatchObject({ code: 0 });
    });

    test('what is excluded on purpose is not missed', async () => {
      await apply('rsync', { stage_set: 'debian', exclude: ['dash_*.deb'] });
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(await useAptMirror(site.dst(id), key.keyring, ['bash'])).toMatchObject({ code: 0 });
      await apply('rsync', { stage_set: 'debian', extra_args: ['--filter=- dash_*.deb'] });
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(site.log(id)).toMatch(/WARNING.*dash_1\.0_amd64\.deb.*own filters/);
    });

    test('a distribution of weak digests and one that is no longer valid are said', async () => {
      const weak = (text: string): string => text.replace(/^(SHA256|SHA512):\n( .*\n)+/gm, '');
      repo.publish(key, { release: weak });
      await apply('rsync', { stage_set: 'debian' });
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(site.log(id)).toMatch(/WARNING.*no SHA-256/);
      const past = 'Valid-Until: Mon, 05 Jan 2026 00:00:00 UTC';
      repo.publish(key, {
        release: (text) => text.replace(/^Date:.*$/m, `Date: Thu, 01 Jan 2026 00:00:00 UTC\n${past}`),
      });
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(site.state(id).freshness).toMatchObject({ max_age: 4 * 86_400 });
      expect((await site.mirror('status', id)).stdout).toMatch(/stale/);
    });
  },
);

describe('what a proof of an archive leaves out', () => {
  test.each([
    ['*.iso', 'images/a.iso', true],
    ['*.iso', 'images/a.isos', false],
    ['/dists/*/main/binary-arm64/', 'dists/sid/main/binary-arm64/Packages', true],
    ['/dists/**/binary-[ij]*', 'dists/sid/main/x/binary-i386/Packages', true],
    ['/pool', 'a/pool/b', false],
    ['source/***', 'dists/sid/main/source/Sources', true],
  ])('%s leaves out %s: %s', (pattern, path, expected) => {
    expect(new RegExp(leftOut(pattern)).test(path)).toBe(expected);
  });

  test('filters that are not read here make it say only what is missing', () => {
    const step = (words: readonly string[]): object =>
      proveArchive(context(source('rsync://h/m')), null, { exclude: ['a'], words }).at(-1) ?? {};
    expect(step(['-vrltSH', '--exclude=b'])).toMatchObject({ left_out: ['(^|/)a(/|$)', '(^|/)b(/|$)'] });
    for (const words of [['--filter=- b'], ['-f', '- b'], ['--exclude', 'b'], ['--max-size=1g']])
      expect(step(words)).toMatchObject({ left_out: null });
  });
});
