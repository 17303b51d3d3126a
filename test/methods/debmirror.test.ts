import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { WriteFileStep } from '../../src/job/step.js';
import { debmirror } from '../../src/methods/debmirror.js';
import { fileText } from '../../src/run/special/write-file.js';
import { context, pkg, source } from '../compile/site.js';
import type { Changes } from '../compile/site.js';
import { filesBelow, makeAptRepo } from '../support/apt-repo.js';
import type { AptRepo } from '../support/apt-repo.js';
import { startRsyncd } from '../support/rsyncd.js';
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

const WITHOUT = onPath('debmirror') ? '' : ' (skipped: no debmirror)';
let repo: AptRepo;

describe.skipIf(WITHOUT !== '')(`debmirror${WITHOUT}`, () => {
  serveRepositories('debian');

  /** A repository of its own for each test, with five packages. */
  beforeEach(() => {
    repo = makeAptRepo(upstream());
    for (const name of ['apt', 'bash', 'dash', 'grep', 'sed']) repo.add(name, '1.0');
    repo.publish(key);
  });

  async function apply(options: object = {}, src = server.url(id), keys: object = {}): Promise<void> {
    const all = { dists: ['stable'], source: false, keyring: [key.keyring], timeout: 1, ...options };
    await site.apply({ [id]: { synctype: 'debmirror', ...keys, settings: { src, options: all } } });
  }

  /** What a client sees: everything but debmirror's own files. */
  function mirrored(): string[] {
    return filesBelow(site.dst(id), true).filter((file) => /^(dists|pool)\//.test(file));
  }

  test('mirrors what the index names, adds, changes and deletes, and says how much', async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(filesBelow(repo.path, true));
    expect(last()).toMatchObject({ outcome: 'synced', transfer: { transferred_files: 10, deleted: 0 } });

    const gone = repo.add('sed', '2.0');
    repo.remove('sed');
    repo.add('sed', '2.1');
    repo.add('zsh', '1.0', 70_000);
    repo.publish(key);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(filesBelow(repo.path, true));
    expect(gone).toContain('sed_2.0');
    // Release, InRelease, its signature, the index in two compressions and two packages.
    const { transfer } = last() as { transfer: { transferred_bytes: number } };
    expect(transfer).toMatchObject({ transferred_files: 7, deleted: 1 });
    expect(transfer.transferred_bytes).toBeGreaterThan(72_000);
  });

  test('more deletions than the guard allows block the package before anything has changed', async () => {
    await apply({}, server.url(id), { guard: { deletes: 1 } });
    await site.run(id);
    const before = mirrored();
    repo.remove('apt');
    repo.remove('bash');
    repo.publish(key);
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ outcome: 'blocked', reason: matching(/2 would be deleted/) });
    expect(mirrored()).toEqual(before);
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(await site.run(id, '--allow-deletes', '2')).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(filesBelow(repo.path, true));
  });

  test('an index that names a file which cannot be had is not put in place, and nothing is deleted', async () => {
    await apply();
    await site.run(id);
    const before = mirrored();
    repo.remove('sed');
    repo.add('zsh', '1.0');
    repo.publish(key);
    server.missing = /zsh/;
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ outcome: 'failed', failure: 'transfer' });
    expect(last()).toMatchObject({ reason: matching(/zsh_1\.0_amd64\.deb failed: 404/) });
    expect(mirrored()).toEqual(before);
    server.missing = null;
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(filesBelow(repo.path, true));
  });

  test.each([
    ['a changed Release file', 69, 'transfer', /not what was signed/, () => tamper('Release')],
    ['another key', 77, 'auth', /NO_PUBKEY/, () => repo.publish(other)],
    ['no signature', 77, 'auth', /file missing/, () => unsign()],
    [
      'a distribution that is not there',
      78,
      'config',
      /no such distribution/,
      () => (server.missing = /dists/),
    ],
    [
      'an index that is not there',
      69,
      'transfer',
      /Packages\.xz failed: 404/,
      () => (server.missing = /Packages/),
    ],
    [
      'a connection that is cut',
      69,
      'unavailable',
      /reset by peer/,
      () => proxy.set({ after: 20_000, then: 'cut' }),
    ],
    ['a server that hangs', 69, 'unavailable', /timeout/, () => proxy.set({ after: 20_000, then: 'hang' })],
    ['a server that refuses', 69, 'unavailable', /reset by peer/, () => proxy.set({ after: 0, then: 'cut' })],
  ])('%s: exit %i, %s', async (_, code, failure, reason, upset) => {
    repo.add('zsh', '1.0', 70_000);
    repo.publish(key);
    await apply({}, throughProxy());
    upset();
    expect(await site.run(id)).toMatchObject({ code });
    expect(last()).toMatchObject({ outcome: 'failed', failure, reason: matching(reason) });
    expect(site.log(id)).toMatch(reason);
    expect(existsSync(join(site.dst(id), 'dists/stable/Release'))).toBe(false);
  });

  function tamper(name: string): void {
    appendFileSync(join(repo.path, 'dists/stable', name), '\n');
  }

  function unsign(): void {
    for (const name of ['InRelease', 'Release.gpg']) rmSync(join(repo.path, 'dists/stable', name));
  }

  test('a full disk is said as such', async ({ skip }) => {
    if (!MAY_MOUNT) skip('mounting a small file system needs root');
    repo.add('zsh', '1.0', 3_000_000);
    repo.publish(key);
    await apply({}, server.url(id), { guard: { min_free: '0%' } });
    await onDisk(site.dst(id), 'size=1m', async () => {
      expect(await site.run(id)).toMatchObject({ code: 73 });
      expect(last()).toMatchObject({ failure: 'space', reason: matching(/No space left/) });
    });
  });

  test('logs in with any password over https with a CA of its own, and shows it nowhere', async () => {
    const { src, network } = await serveClosed();
    await apply(LOGIN, src, { network });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(mirrored()).toEqual(filesBelow(repo.path, true));
    const job = readFileSync(join(site.root, `etc/mirror/compiled/jobs/${id}.json`), 'utf8');
    const { stdout } = await site.mirror('explain', '-c', join(site.root, 'etc/config.json'), id);
    for (const text of [site.log(id), job, stdout]) {
      expect(text).toContain(id);
      expect(text).not.toMatch(/p'a"s|p'a\\"s|p%27a/);
    }
    await apply({}, withLogin(src), { network });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    await apply({ ...LOGIN, password: 'wrong' }, src, { network });
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ failure: 'auth', reason: matching(/401 Unauthorized/) });
    await apply(LOGIN, src);
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ reason: matching(/certificate verify failed/) });
  });

  test('mirrors from an rsync daemon with a password, extra directories included', async () => {
    for (const [name, text] of [
      ['doc/a.txt', 'a'],
      ['project/trace/master', 'now'],
    ] as const) {
      mkdirSync(join(repo.path, name, '..'), { recursive: true });
      writeFileSync(join(repo.path, name), text);
    }
    const options = { 'auth users': 'someone', 'secrets file': 'SECRETS' };
    const daemon = await startRsyncd({ debian: { path: repo.path, options } }, { someone: LOGIN.password });
    try {
      const login = { user: 'someone', password: LOGIN.password };
      await apply({ ...login, rsync_extra: ['doc', 'trace'] }, daemon.url('debian'));
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(filesBelow(site.dst(id), true)).toEqual(expect.arrayContaining(filesBelow(repo.path, true)));
      await apply({ ...login, password: 'wrong' }, daemon.url('debian'));
      expect(await site.run(id)).toMatchObject({ code: 77 });
      expect(last()).toMatchObject({ failure: 'auth', reason: matching(/auth failed/) });
    } finally {
      await daemon.stop();
    }
  });

  test('an rsync of extra files that failed is no success, although debmirror calls it one', async () => {
    mkdirSync(join(repo.path, 'doc'));
    writeFileSync(join(repo.path, 'doc/secret.txt'), 'a', { mode: 0 });
    const options = process.getuid?.() === 0 ? { uid: 'nobody' } : {};
    const daemon = await startRsyncd({ debian: { path: repo.path, options } });
    try {
      await apply({ rsync_extra: ['doc'] }, daemon.url('debian'));
      expect(await site.run(id)).toMatchObject({ code: 69 });
      expect(last()).toMatchObject({ failure: 'transfer', reason: matching(/extra files/) });
    } finally {
      await daemon.stop();
    }
  });

  test('a dry run tells what would be added and deleted', async () => {
    await apply();
    await site.run(id);
    repo.remove('sed');
    repo.add('tar', '1.0');
    repo.add('zsh', '1.0');
    repo.publish(key);
    const { stdout } = await site.run(id, '--dry-run', '--transfer');
    expect(stdout).toContain('2 to add, 0 to change (0 bytes), 1 to delete');
    expect(mirrored().join('\n')).not.toContain('zsh');
  });
});

describe('what debmirror is told', () => {
  const src = source('https://deb.example.org/debian');
  const from = (options: object, changes: Changes = {}): ReturnType<typeof pkg> =>
    pkg('debian', {
      synctype: 'debmirror',
      sources: [src],
      options: { dists: ['sid'], ...options },
      ...changes,
    });

  test('a fallback source never deletes', () => {
    const steps = debmirror.steps(from({}), context(src, { fallback: true }));
    expect(steps.map(({ kind }) => kind)).toEqual([
      'require-directory',
      'make-directory',
      'make-directory',
      'write-file',
      'exec',
      'prove-apt',
      'publish-held',
    ]);
    expect(JSON.stringify(steps)).toContain('--nocleanup');
  });

  test('its Perl configuration gives back every user and password as they are', () => {
    const config = (user: string, secret: string): string => {
      const ftp = source('ftp://deb.example.org/debian');
      const all = from({ user }, { sources: [ftp], password: { literal: secret } });
      const step = debmirror
        .steps(all, context(ftp))
        .find(({ kind }) => kind === 'write-file') as WriteFileStep;
      const content = step.content.map((part) => (typeof part !== 'string' && 'value' in part ? '1' : part));
      const secrets = new Map([['password', { text: secret }]]);
      return fileText(
        { ...step, content },
        {
          job: null as never,
          state: null,
          secrets,
          trigger: 'request',
          allowDeletes: null,
        },
      ) as string;
    };
    const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
    const directory = mkdtempSync(join(tmpdir(), 'mirror-debmirror-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const password = word.map((text) => text.replace(/[\u0000-\u001f\u007f]/g, '') || 'x');
    fc.assert(
      fc.property(
        password.map((text) => text.replace(/[ @:/]/g, '') || 'u'),
        password,
        (user, secret) => {
          const file = join(directory, 'property.conf');
          writeFileSync(file, config(user, secret));
          const print = 'require $ARGV[0]; print STDERR "$user\\n$passwd\\n"; open STDOUT, ">/dev/null"';
          const run = execFileSync('sh', ['-c', 'perl -e "$0" "$1" 2>&1', print, file], { encoding: 'utf8' });
          expect(run).toBe(`${user}\n${secret}\n`);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each<[object, Changes, string, string]>([
    [{}, { sources: [source('ssh://deb.example.org/debian')] }, 'source-scheme', '/settings/src'],
    [{}, { sources: [] }, 'no-source', '/settings/src'],
    [{}, { sources: [source('http://deb.example.org/debian;id')] }, 'source-characters', '/settings/src'],
    [{}, { sources: [source('http://deb.example.org/a/../b')] }, 'source-characters', '/settings/src'],
    [{}, { sources: [source('rsync://deb.example.org/')] }, 'source-scheme', '/settings/src'],
    [{ rsync_extra: ['doc'] }, { sources: [source('http://h:8080/d')] }, 'source-scheme', '/settings/src'],
    [{}, { dst: '/srv/my debian' }, 'plain-path', '/settings/dst'],
    [{}, { dst: '/srv/$(id)' }, 'plain-path', '/settings/dst'],
    [{ keyring: ['/etc/key.asc'] }, {}, 'keyring-format', '/settings/options/keyring/0'],
    [{}, { network: { family: 'ipv6' } }, 'network-unsupported', '/network/family'],
    [{}, { network: { bind: '192.0.2.1' } }, 'network-unsupported', '/network/bind'],
    [{}, { network: { proxy: 'proxy:3128' } }, 'network-unsupported', '/network/proxy'],
    [
      {},
      { sources: [source('http://h/d')], network: { caFile: '/ca' } },
      'network-unsupported',
      '/network/ca_file',
    ],
  ])('%j %j is refused', (options, changes, code, at) => {
    const found = debmirror.check(from(options, changes));
    expect(found.map((finding) => [finding.code, finding.at])).toEqual([[code, at]]);
  });
});
