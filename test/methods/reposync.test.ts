import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { reposync } from '../../src/methods/reposync.js';
import { context, pkg, source } from '../compile/site.js';
import type { Changes } from '../compile/site.js';
import { filesBelow } from '../support/apt-repo.js';
import type { SigningKey } from '../support/apt-repo.js';
import { makeRpmRepo } from '../support/rpm-repo.js';
import type { RpmRepo } from '../support/rpm-repo.js';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { matching } from '../support/matching.js';
import { onPath } from '../support/tools.js';
import {
  LOGIN,
  id,
  key,
  last,
  other,
  proxy,
  serveClosed,
  serveRepositories,
  server,
  site,
  throughProxy,
  upstream,
  withLogin,
} from './web-upstream.js';

const WITHOUT = ['dnf', 'rpmkeys', 'rpmbuild', 'createrepo_c'].filter((tool) => !onPath(tool));
let repo: RpmRepo;

describe.skipIf(WITHOUT.length > 0)(`reposync${WITHOUT.map((tool) => ` (no ${tool})`).join('')}`, () => {
  serveRepositories('rocky');

  /** A repository of its own for each test, with four packages. */
  beforeEach(() => {
    repo = makeRpmRepo(upstream(), key);
    for (const name of ['bash', 'dash', 'grep']) repo.add(name, '1.0');
    repo.add('kernel', '1.0', { arch: 'aarch64' });
    repo.publish(key);
  });

  async function apply(options: object = {}, src = server.url(id), keys: object = {}): Promise<void> {
    const all = { keys: [key.armored], timeout: 1, retries: 1, ...options };
    await site.apply({ [id]: { synctype: 'reposync', ...keys, settings: { src, options: all } } });
  }

  test('mirrors what the index names, adds and deletes, and says how much', async () => {
    await apply({ check_metadata_gpg: true });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(filesBelow(site.dst(id), true)).toEqual(filesBelow(repo.path, true));
    expect(last()).toMatchObject({ outcome: 'synced', transfer: { files: 4, transferred_files: 4 } });

    repo.remove('grep');
    repo.add('zsh', '1.0', { size: 50_000 });
    repo.publish(key);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(filesBelow(site.dst(id), true)).toEqual(filesBelow(repo.path, true));
    // One package, and three files of the old index.
    expect(last()).toMatchObject({ transfer: { files: 4, transferred_files: 1, deleted: 4 } });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(last()).toMatchObject({ transfer: { files: 4, transferred_files: 0, deleted: null } });
  });

  test('some architectures and the newest packages only', async () => {
    repo.add('bash', '1.1');
    repo.publish();
    await apply({ arches: ['noarch'], newest_only: true });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    const packages = filesBelow(site.dst(id)).filter((file) => file.endsWith('.rpm'));
    expect(packages).toEqual(
      ['bash-1.1', 'dash-1.0', 'grep-1.0'].map((name) => `Packages/${name}-1.noarch.rpm`),
    );
  });

  test('more deletions than the guard allows block the package before anything has changed', async () => {
    await apply({}, server.url(id), { guard: { deletes: 1 } });
    await site.run(id);
    const before = filesBelow(site.dst(id), true);
    repo.remove('bash');
    repo.remove('dash');
    repo.publish();
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ outcome: 'blocked', reason: matching(/2 would be deleted/) });
    expect(filesBelow(site.dst(id), true)).toEqual(before);
    expect(await site.run(id, '--allow-deletes', '2')).toMatchObject({ code: 0 });
    expect(filesBelow(site.dst(id)).filter((file) => file.endsWith('.rpm'))).toHaveLength(2);
  });

  test.each([
    ['a package that is not there', 69, 'transfer', /Status code: 404/, () => (server.missing = /zsh/)],
    ['no index', 78, 'config', /Status code: 404/, () => (server.missing = /repomd/)],
    [
      'a package that was changed',
      69,
      'transfer',
      /Content-Length/,
      () => tamper('Packages/zsh-1.0-1.noarch.rpm'),
    ],
    ['an index that was changed', 69, 'transfer', /BAD signature/, () => tamper('repodata/repomd.xml')],
    ['an index of another key', 69, 'transfer', /No public key/, () => repo.publish(other)],
    ['a package of another key', 77, 'auth', /SIGNATURES NOT OK/, () => replace(other)],
    ['a package without signature', 77, 'auth', /SIGNATURES NOT OK/, () => replace(null)],
    [
      'a connection that is cut',
      69,
      'unavailable',
      /Curl error/,
      () => proxy.set({ after: 20_000, then: 'cut' }),
    ],
    [
      'a server that hangs',
      69,
      'unavailable',
      /Curl error/,
      () => proxy.set({ after: 20_000, then: 'hang' }),
    ],
    ['a server that refuses', 69, 'unavailable', /Curl error/, () => proxy.set({ after: 0, then: 'cut' })],
  ])('%s: exit %i, %s, and the old index stays', async (_, code, failure, reason, upset) => {
    await apply({ check_metadata_gpg: true }, throughProxy());
    expect(await site.run(id)).toMatchObject({ code: 0 });
    const index = (): string => readFileSync(join(site.dst(id), 'repodata/repomd.xml'), 'utf8');
    const before = index();
    repo.add('zsh', '1.0', { size: 50_000 });
    repo.publish(key);
    upset();
    expect(await site.run(id)).toMatchObject({ code });
    expect(last()).toMatchObject({ outcome: 'failed', failure, reason: matching(reason) });
    expect(site.log(id)).toMatch(reason);
    expect(index()).toBe(before);
    // Not only the first time: what has not passed is looked at again.
    if (failure === 'auth') expect(await site.run(id)).toMatchObject({ code });
  });

  function tamper(path: string): void {
    appendFileSync(join(repo.path, path), '\n');
  }

  function replace(signer: SigningKey | null): void {
    repo.remove('zsh');
    repo.add('zsh', '1.0', { key: signer });
    repo.publish(key);
  }

  test('a full disk is said as such', async ({ skip }) => {
    if (!MAY_MOUNT) skip('mounting a small file system needs root');
    repo.add('zsh', '1.0', { size: 3_000_000 });
    repo.publish();
    await apply({}, server.url(id), { guard: { min_free: '0%' } });
    await onDisk(site.dst(id), 'size=1m', async () => {
      expect(await site.run(id)).toMatchObject({ code: 73 });
      expect(last()).toMatchObject({ failure: 'space' });
    });
  });

  test('logs in with any password over https with a CA of its own, and shows it nowhere', async () => {
    const { src, network } = await serveClosed();
    await apply(LOGIN, src, { network });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(filesBelow(site.dst(id))).toEqual(filesBelow(repo.path));
    const job = readFileSync(join(site.root, `etc/mirror/compiled/jobs/${id}.json`), 'utf8');
    for (const text of [site.log(id), job]) expect(text).not.toMatch(/p'a"s|p'a\\"s/);
    await apply({}, withLogin(src), { network });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    await apply({ ...LOGIN, password: 'wrong' }, src, { network });
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ failure: 'auth', reason: matching(/Status code: 401/) });
    await apply(LOGIN, src);
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ reason: matching(/SSL peer certificate/) });
  });

  test('leaves nothing of the run behind', async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(existsSync(join(site.root, 'var/lib/mirror/work', id))).toBe(false);
  });
});

describe('what dnf is told', () => {
  const src = source('https://rpm.example.org/9/BaseOS');
  const from = (options: object, changes: Changes = {}): ReturnType<typeof pkg> =>
    pkg('rocky', {
      synctype: 'reposync',
      sources: [src],
      options: { keys: ['/key'], ...options },
      ...changes,
    });

  test('a fallback source never deletes', () => {
    const kinds = (fallback: boolean): string[] =>
      reposync.steps(from({}), context(src, { fallback })).map(({ kind }) => kind);
    expect(kinds(false)).toContain('delete-listed');
    expect(kinds(true)).not.toContain('delete-listed');
  });

  test.each<[object, Changes, string, string]>([
    [{}, { sources: [source('rsync://rpm.example.org/x')] }, 'source-scheme', '/settings/src'],
    [{}, { sources: [source('https://rpm.example.org/$arch')] }, 'source-characters', '/settings/src'],
    [{ keys: [] }, {}, 'no-keys', '/settings/options'],
    [{ keys: [], check_gpg: false, check_metadata_gpg: true }, {}, 'no-keys', '/settings/options'],
    [{ newest_only: true }, {}, 'partial-index', '/settings/options/newest_only'],
    [{}, { network: { bind: '192.0.2.1' } }, 'network-unsupported', '/network/bind'],
    [{}, { network: { proxy: 'proxy:3128' } }, 'network-unsupported', '/network/proxy'],
  ])('%j %j is found fault with', (options, changes, code, at) => {
    const found = reposync.check(from(options, changes));
    expect(found.map((finding) => [finding.code, finding.at])).toEqual([[code, at]]);
  });
});
