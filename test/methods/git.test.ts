import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MAY_MOUNT, onDisk } from '../support/disk.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import type { FaultProxy } from '../support/fault-proxy.js';
import { makeRepository, runGit, startGitDaemon, startGitHttp } from '../support/git-server.js';
import type { GitServer, Upstream } from '../support/git-server.js';
import { hasPython, startPythonServer } from '../support/python-server.js';
import { noSshd, startSshd } from '../support/sshd.js';
import { makeCertificate, onPath } from '../support/tools.js';
import { methodSite } from './site.js';

const WITHOUT = onPath('git') ? '' : ' (skipped: no git)';
const PASSWORD = `p'a"s$\\s; !id %41 \`id\` #ü@:/,`;

describe.skipIf(WITHOUT !== '')(`git${WITHOUT}`, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'mirror-git-'));
  const site = methodSite();
  const pub = join(scratch, 'pub');
  let daemon: GitServer;
  let web: GitServer;
  let tls: GitServer;
  let proxy: FaultProxy;
  let cert = '';
  let upstream: Upstream;
  let id = '';
  let count = 0;

  beforeAll(async () => {
    makeRepository(join(pub, 'first.git'));
    const made = makeCertificate(scratch);
    cert = made.cert;
    daemon = await startGitDaemon(pub);
    web = await startGitHttp(pub, { login: `me:${PASSWORD}` });
    tls = await startGitHttp(pub, { tls: { key: readFileSync(made.key), cert: readFileSync(made.cert) } });
    proxy = await startFaultProxy(tls.port);
  });

  afterAll(async () => {
    for (const server of [daemon, web, tls, proxy]) await server.stop();
    site.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** A repository of its own for each test, named as the package. */
  beforeEach(() => {
    count += 1;
    id = `linux${String(count)}`;
    upstream = makeRepository(join(pub, `${id}.git`));
    upstream.commit('next', 'a', 'a\n');
    upstream.git('tag', 'v1', 'main');
    proxy.set(null);
  });

  const last = (): object => site.state(id).last ?? {};

  async function apply(src: string | string[] = upstream.path, options: object = {}, keys: object = {}) {
    return site.apply({ [id]: { synctype: 'git', ...keys, settings: { src, options } } });
  }

  /** Names and objects of a repository's refs. */
  function refs(path: string): string {
    return runGit(`--git-dir=${path}`, 'for-each-ref', '--format=%(refname) %(objectname)');
  }

  const head = (path = site.dst(id)): string => runGit(`--git-dir=${path}`, 'symbolic-ref', 'HEAD').trim();

  test('mirrors a repository into dst, follows it, and serves what a plain web server needs', async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(refs(site.dst(id))).toBe(refs(upstream.path));
    expect(head()).toBe('refs/heads/main');
    expect(readFileSync(join(site.dst(id), 'info/refs'), 'utf8')).toContain('refs/tags/v1');
    expect(last()).toHaveProperty('transfer.received_bytes', expect.any(Number));

    upstream.commit('main', 'b', 'b\n');
    upstream.commit('trunk', 'c', 'c\n');
    upstream.git('update-ref', 'refs/heads/next', 'refs/heads/main');
    upstream.git('branch', '-D', 'next');
    upstream.git('branch', 'next/one', 'main');
    upstream.git('symbolic-ref', 'HEAD', 'refs/heads/trunk');
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(refs(site.dst(id))).toBe(refs(upstream.path));
    expect(head()).toBe('refs/heads/trunk');
    expect(last()).toMatchObject({ outcome: 'synced', transfer: { deleted: 1 } });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(refs(site.dst(id))).toBe(refs(upstream.path));
  });

  test('mirrors several repositories below one dst, and checks them if asked to', async () => {
    const other = makeRepository(join(pub, `${id}/tools/other.git`));
    await apply(`git://127.0.0.1:${String(daemon.port)}/`, {
      repositories: [`${id}.git`, `${id}/tools/other.git`],
      fsck: 'full',
      refs: ['refs/heads/*'],
    });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    const dst = site.dst(id);
    expect(refs(join(dst, `${id}/tools/other.git`))).toBe(refs(other.path));
    expect(refs(join(dst, `${id}.git`))).not.toContain('refs/tags');
    expect(site.log(id)).toContain('fsck');

    const packs = join(dst, `${id}/tools/other.git/objects/pack`);
    const pack = join(packs, readdirSync(packs).find((name) => name.endsWith('.pack')) ?? '');
    const bytes = readFileSync(pack);
    chmodSync(pack, 0o644);
    writeFileSync(pack, bytes.fill(0, bytes.length - 20));
    expect(await site.run(id)).toMatchObject({ code: 74 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('the repository is damaged'));
    expect(last()).toMatchObject({ outcome: 'failed' });
  });

  test('tells a server the password, and nobody else', async () => {
    await apply(`http://127.0.0.1:${String(web.port)}/${id}.git`, { user: 'me', password: PASSWORD });
    const config = join(site.root, 'etc/config.json');
    const explained = await site.mirror('explain', id, '-c', config);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(refs(site.dst(id))).toBe(refs(upstream.path));
    const job = readFileSync(join(site.root, 'etc/mirror/compiled/jobs', `${id}.json`), 'utf8');
    for (const text of [
      job,
      site.log(id),
      explained.stdout,
      readFileSync(join(site.dst(id), 'config'), 'utf8'),
    ])
      expect(text).not.toMatch(/p'a"|p%27a/);
    expect(existsSync(join(site.root, 'var/lib/mirror/work', id))).toBe(false);

    const inUrl = `m%65:${encodeURIComponent(PASSWORD)}`;
    await apply(`http://${inUrl}@127.0.0.1:${String(web.port)}/${id}.git`);
    expect(await site.run(id)).toMatchObject({ code: 0 });

    await apply(`http://127.0.0.1:${String(web.port)}/${id}.git`, { user: 'me', password: 'wrong' });
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({ outcome: 'failed', failure: 'auth' });
    expect(last()).toHaveProperty('reason', expect.stringContaining('Authentication failed'));

    await apply(`http://127.0.0.1:${String(web.port)}/${id}.git`);
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('terminal prompts disabled'));
  });

  test('trusts only the CA that it is told, and goes through a proxy', async () => {
    const src = `https://localhost:${String(tls.port)}/${id}.git`;
    await apply(src);
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('certificate'));
    await apply(src, {}, { network: { ca_file: cert } });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(refs(site.dst(id))).toBe(refs(upstream.path));
    await apply(`http://nowhere.invalid/${id}.git`, {}, { network: { proxy: 'http://127.0.0.1:1' } });
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('127.0.0.1 port 1'));
  });

  test.skipIf(!hasPython('http.server'))('reads plain files of a web server', async () => {
    upstream.git('update-server-info');
    const plain = await startPythonServer('indexd.py', [pub]);
    try {
      await apply(`http://127.0.0.1:${String(plain.port)}/${id}.git`);
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(refs(site.dst(id))).toBe(refs(upstream.path));
    } finally {
      await plain.stop();
    }
  });

  test.skipIf(noSshd !== null)(`goes over ssh with its own key${noSshd ?? ''}`, async () => {
    const sshd = await startSshd();
    try {
      const keys = join(scratch, `it's; "a" $HOME key`);
      mkdirSync(keys);
      writeFileSync(join(keys, 'key'), readFileSync(sshd.key), { mode: 0o600 });
      const ssh = { key: join(keys, 'key'), known_hosts: sshd.knownHosts, port: sshd.port };
      await apply(`${sshd.user}@127.0.0.1:${upstream.path}`, {}, { network: { ssh, bind: '127.0.0.7' } });
      expect(await site.run(id)).toMatchObject({ code: 0 });
      expect(refs(site.dst(id))).toBe(refs(upstream.path));
      expect(sshd.log()).toContain('from 127.0.0.7 port');
      const stranger = { network: { ssh: { ...ssh, key: sshd.otherKey } } };
      await apply(`ssh://127.0.0.1${upstream.path}`, { user: sshd.user }, stranger);
      expect(await site.run(id)).toMatchObject({ code: 77 });
      expect(last()).toMatchObject({ failure: 'auth' });
      expect(last()).toHaveProperty('reason', expect.stringContaining('Permission denied (publickey)'));
    } finally {
      await sshd.stop();
    }
  });

  test('deletes no branches beyond the guard until a person says so, and none by a fallback', async () => {
    for (let n = 0; n < 20; n++) upstream.git('branch', `topic/${String(n)}`, 'main');
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    const before = refs(site.dst(id));
    for (let n = 0; n < 20; n++) upstream.git('branch', '-D', `topic/${String(n)}`);
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({
      outcome: 'blocked',
      reason: expect.stringContaining('the delete guard: 20 would be deleted, at most 11 may be') as string,
    });
    expect(refs(site.dst(id))).toBe(before);
    expect(await site.run(id, '--allow-deletes', '20')).toMatchObject({ code: 0 });
    expect(refs(site.dst(id))).toBe(refs(upstream.path));
    upstream.git('branch', '-D', 'next');
    upstream.commit('main', 'z', 'z');
    await apply(['git://127.0.0.1:1/gone.git', upstream.path]);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(refs(site.dst(id))).toContain('refs/heads/next');
    expect(refs(site.dst(id))).toContain(upstream.git('rev-parse', 'main').trim());
  });

  test('a repository that is not there needs a person', async () => {
    for (const src of [
      join(pub, 'nowhere.git'),
      `git://127.0.0.1:${String(daemon.port)}/nowhere.git`,
      `https://localhost:${String(tls.port)}/nowhere.git`,
    ]) {
      await apply(src, {}, src.startsWith('https') ? { network: { ca_file: cert } } : {});
      expect(await site.run(id)).toMatchObject({ code: 77 });
      expect(last()).toMatchObject({ outcome: 'failed', failure: 'auth' });
      expect(last()).toHaveProperty('reason', expect.stringContaining('no such repository'));
    }
  });

  test('a first sync that is cut off or hangs leaves no branch, and the next one makes it whole', async () => {
    upstream.commit('main', 'big', randomBytes(3_000_000));
    const src = `https://localhost:${String(proxy.port)}/${id}.git`;
    await apply(src, { timeout: 2 }, { network: { ca_file: cert } });
    for (const then of ['cut', 'hang'] as const) {
      proxy.set({ after: 1_000_000, then });
      expect(await site.run(id)).toMatchObject({ code: 69 });
      expect(last()).toMatchObject({ outcome: 'failed', failure: 'unavailable' });
      expect(refs(site.dst(id))).toBe('');
    }
    await apply('https://localhost:1/x.git');
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toHaveProperty('reason', expect.stringContaining('Failed to connect'));
    await apply(src, {}, { network: { ca_file: cert } });
    proxy.set(null);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(refs(site.dst(id))).toBe(refs(upstream.path));
  });

  test("runs no hook and no helper of a repository's own configuration", async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    const hooks = join(site.dst(id), 'hooks');
    execFileSync('mkdir', ['-p', hooks]);
    const canary = join(scratch, `canary${id}`);
    for (const name of ['reference-transaction', 'post-update', 'post-receive', 'pre-auto-gc'])
      writeFileSync(join(hooks, name), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    upstream.commit('main', 'more', 'more');
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(existsSync(canary)).toBe(false);
  });

  describe.skipIf(!MAY_MOUNT)(`disks${MAY_MOUNT ? '' : ' (skipped: not root)'}`, () => {
    test('a disk that is full fails the run as such', async () => {
      upstream.commit('main', 'big', randomBytes(2_000_000));
      await apply(`git://127.0.0.1:${String(daemon.port)}/${id}.git`, {}, { guard: { min_free: '0' } });
      await onDisk(site.dst(id), 'size=1m', async () => {
        expect(await site.run(id)).toMatchObject({ code: 73 });
        expect(last()).toMatchObject({ outcome: 'failed', failure: 'space' });
        expect(last()).toHaveProperty('reason', expect.stringContaining('No space left on device'));
      });
    });

    test('a disk that may not be written is local trouble', async () => {
      await apply();
      await onDisk(site.dst(id), 'size=1m,ro', async () => {
        expect(await site.run(id)).toMatchObject({ code: 74 });
        expect(last()).toMatchObject({ outcome: 'failed', failure: 'io' });
        expect(last()).toHaveProperty('reason', expect.stringContaining('Read-only file system'));
      });
    });
  });
});
