import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { aptMirror } from '../../src/methods/apt-mirror.js';
import { context, pkg, source } from '../compile/site.js';
import type { Changes } from '../compile/site.js';
import { filesBelow, makeAptRepo } from '../support/apt-repo.js';
import type { AptRepo } from '../support/apt-repo.js';
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

const WITHOUT = ['apt-mirror', 'wget', 'gpgv', 'apt-ftparchive'].filter((tool) => !onPath(tool));
let repo: AptRepo;

describe.skipIf(WITHOUT.length > 0)(`apt-mirror${WITHOUT.map((tool) => ` (no ${tool})`).join('')}`, () => {
  serveRepositories('debian');

  /** A repository of its own for each test, with four packages. */
  beforeEach(() => {
    repo = makeAptRepo(upstream());
    for (const name of ['apt', 'bash', 'dash', 'sed']) repo.add(name, '1.0');
    repo.publish(key);
  });

  async function apply(options: object = {}, src = server.url(id), keys: object = {}): Promise<void> {
    const all = { dists: ['stable'], source: false, keyring: [key.keyring], timeout: 1, ...options };
    await site.apply({ [id]: { synctype: 'apt-mirror', ...keys, settings: { src, options: all } } });
  }

  /** apt-mirror leaves an uncompressed index beside the others, as Release names it. */
  function offered(): string[] {
    return [...filesBelow(repo.path), 'dists/stable/main/binary-amd64/Packages'].sort();
  }

  test('mirrors what the index names, adds and deletes, and says how much', async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(filesBelow(site.dst(id))).toEqual(offered());
    expect(last()).toMatchObject({ outcome: 'synced', transfer: { files: 4, transferred_files: 4 } });

    repo.remove('sed');
    repo.add('zsh', '1.0', 50_000);
    repo.publish(key);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(filesBelow(site.dst(id))).toEqual(offered());
    for (const file of filesBelow(repo.path))
      expect(readFileSync(join(site.dst(id), file)).equals(readFileSync(join(repo.path, file))), file).toBe(
        true,
      );
    expect(last()).toMatchObject({ transfer: { files: 4, transferred_files: 1, deleted: 1 } });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(last()).toMatchObject({ transfer: { transferred_files: 0 } });
  });

  test('more deletions than the guard allows block the package before anything has changed', async () => {
    await apply({}, server.url(id), { guard: { deletes: 1 } });
    await site.run(id);
    const before = filesBelow(site.dst(id), true);
    repo.remove('apt');
    repo.remove('bash');
    repo.publish(key);
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ outcome: 'blocked', reason: matching(/2 would be deleted/) });
    expect(filesBelow(site.dst(id), true)).toEqual(before);
    expect(await site.run(id, '--allow-deletes', '2')).toMatchObject({ code: 0 });
    expect(filesBelow(site.dst(id))).toEqual(offered());
  });

  test.each([
    ['a package that is not there', 69, 'transfer', /such as pool.*zsh/, () => (server.missing = /zsh/)],
    ['no distribution', 78, 'config', /no Release file/, () => (server.missing = /dists/)],
    ['a package that was changed', 69, 'transfer', /damaged, such as pool.*zsh/, () => damage()],
    [
      'an index that was changed',
      69,
      'transfer',
      /not what the Release/,
      () => tamper('main/binary-amd64/Packages.gz'),
    ],
    ['a Release file that was changed', 69, 'transfer', /not of the same time/, () => tamper('Release')],
    ['another key', 77, 'auth', /NO_PUBKEY/, () => repo.publish(other)],
    ['no signature', 77, 'auth', /is not signed/, () => unsign()],
    [
      'a connection that is cut',
      69,
      'unavailable',
      /connection to upstream/,
      () => proxy.set({ after: 20_000, then: 'cut' }),
    ],
    ['a server that hangs', 69, 'unavailable', /timed out/, () => proxy.set({ after: 20_000, then: 'hang' })],
    [
      'a server that refuses',
      69,
      'unavailable',
      /connection to upstream/,
      () => proxy.set({ after: 0, then: 'cut' }),
    ],
  ])('%s: exit %i, %s, and the old index stays', async (_, code, failure, reason, upset) => {
    await apply({}, throughProxy());
    expect(await site.run(id)).toMatchObject({ code: 0 });
    const index = (): string => readFileSync(join(site.dst(id), 'dists/stable/InRelease'), 'utf8');
    const before = index();
    repo.remove('sed');
    repo.add('zsh', '1.0', 70_000);
    repo.publish(key);
    upset();
    expect(await site.run(id)).toMatchObject({ code });
    expect(last()).toMatchObject({ outcome: 'failed', failure, reason: matching(reason) });
    expect(index()).toBe(before);
    expect(filesBelow(site.dst(id)).join(' ')).toContain('sed_1.0');
    server.missing = null;
    proxy.set(null);
    rmSync(join(repo.path, 'pool/main/z'), { recursive: true });
    repo.add('zsh', '1.0', 70_000);
    repo.publish(key);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(filesBelow(site.dst(id))).toEqual(offered());
  });

  function tamper(name: string): void {
    appendFileSync(join(repo.path, 'dists/stable', name), 'x');
  }

  /** The same size, other bytes: nobody but the digest can tell. */
  function damage(): void {
    const file = join(repo.path, 'pool/main/z/zsh/zsh_1.0_amd64.deb');
    const bytes = readFileSync(file);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  }

  function unsign(): void {
    for (const name of ['InRelease', 'Release.gpg']) rmSync(join(repo.path, 'dists/stable', name));
  }

  test('fetches and publishes nothing that no index names', async () => {
    const release = join(repo.path, 'dists/stable/Release');
    const strangers = [
      'index.html',
      'dists/other/Release',
      'dists/stable/main/odd.html',
      'pool/main/odd.html',
    ];
    const links = strangers.map((name) => `<a href="/${id}/${name}">x</a>`).join(' ');
    for (const name of strangers) {
      mkdirSync(dirname(join(repo.path, name)), { recursive: true });
      writeFileSync(join(repo.path, name), links);
    }
    writeFileSync(release, `Description: ${links}\n${readFileSync(release, 'utf8')}`);
    key.gpg('--clearsign', '--output', join(dirname(release), 'InRelease'), release);
    key.gpg('--armor', '--detach-sign', '--output', `${release}.gpg`, release);
    await apply();
    // The tree of a run that was cut off, in which such files lie already.
    const held = join(site.root, 'var/lib/mirror/work', id, 'mirror', new URL(server.url(id)).host, id);
    server.before = () => {
      mkdirSync(join(held, 'dists/old'), { recursive: true });
      for (const name of ['odd', 'dists/odd', 'dists/old/odd']) writeFileSync(join(held, name), 'x');
    };
    server.type = 'text/html';
    onTestFinished(() => {
      server.before = null;
      server.type = null;
    });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(filesBelow(site.dst(id))).toEqual(offered().filter((file) => !strangers.includes(file)));
    expect(server.requests.filter((request) => /html|other/.test(request))).toEqual([]);
  });

  test('a full disk is said as such', async ({ skip }) => {
    if (!MAY_MOUNT) skip('mounting a small file system needs root');
    repo.add('zsh', '1.0', 3_000_000);
    repo.publish(key);
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
    expect(filesBelow(site.dst(id))).toEqual(offered());
    const job = readFileSync(join(site.root, `etc/mirror/compiled/jobs/${id}.json`), 'utf8');
    for (const text of [site.log(id), job]) expect(text).not.toMatch(/p'a"s|p'a\\"s/);
    expect(existsSync(join(site.root, 'var/lib/mirror/work', id))).toBe(false);
    rmSync(join(site.root, 'var/lib/mirror/cache', id), { recursive: true });
    await apply({}, withLogin(src), { network });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    await apply({ ...LOGIN, password: 'wrong' }, src, { network });
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ failure: 'auth', reason: matching(/Authentication Failed|ERROR 401/) });
    await apply(LOGIN, src);
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ reason: matching(/certificate/) });
  });
});

describe('what apt-mirror is told', () => {
  const src = source('https://deb.example.org/debian');
  const from = (options: object, changes: Changes = {}): ReturnType<typeof pkg> =>
    pkg('debian', {
      synctype: 'apt-mirror',
      sources: [src],
      options: { dists: ['sid'], ...options },
      ...changes,
    });

  test('a fallback source never deletes', () => {
    const kinds = (fallback: boolean): string[] =>
      aptMirror.steps(from({}), context(src, { fallback })).map(({ kind }) => kind);
    expect(kinds(false)).toContain('delete-listed');
    expect(kinds(true)).not.toContain('delete-listed');
  });

  test.each<[object, Changes, string, string]>([
    [{}, { sources: [source('rsync://deb.example.org/x')] }, 'source-scheme', '/settings/src'],
    [{}, { sources: [source('https://deb.example.org/~joe')] }, 'source-characters', '/settings/src'],
    [{ keyring: ['/key.asc'] }, {}, 'keyring-format', '/settings/options/keyring/0'],
    [{}, { network: { proxy: 'proxy:3128' } }, 'network-unsupported', '/network/proxy'],
  ])('%j %j is refused', (options, changes, code, at) => {
    const found = aptMirror.check(from(options, changes));
    expect(found.map((finding) => [finding.code, finding.at])).toEqual([[code, at]]);
  });
});
