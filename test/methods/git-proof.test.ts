import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeRepository, runGit, startGitDaemon } from '../support/git-server.js';
import type { Upstream } from '../support/git-server.js';
import { matching } from '../support/matching.js';
import { onPath } from '../support/tools.js';
import { methodSite } from './site.js';

const WITHOUT = onPath('git') ? '' : ' (skipped: no git)';

/** Each test ends with `git clone`, which is what readers do. */
describe.skipIf(WITHOUT !== '')(`what a git mirror must prove${WITHOUT}`, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'mirror-git-proof-'));
  const site = methodSite();
  const pub = join(scratch, 'pub');
  let upstream: Upstream;
  let id = '';
  let count = 0;

  beforeEach(() => {
    count += 1;
    id = `git${String(count)}`;
    upstream = makeRepository(join(pub, `${id}.git`));
  });
  afterEach(() => rmSync(join(scratch, 'clone'), { recursive: true, force: true }));
  afterAll(() => {
    site.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  const last = (): object => site.state(id).last ?? {};
  const apply = (options: object = {}, src = upstream.path, keys: object = {}): Promise<object> =>
    site.apply({ [id]: { synctype: 'git', ...keys, settings: { src, options } } });

  function refs(path: string): string {
    return runGit(`--git-dir=${path}`, 'for-each-ref', '--format=%(refname) %(objectname)');
  }

  /** Clones the mirror as a reader does; the names of the files that are checked out. */
  function clone(path = site.dst(id)): string[] {
    const to = join(scratch, 'clone');
    rmSync(to, { recursive: true, force: true });
    runGit('clone', '--quiet', path, to);
    return runGit('-C', to, 'ls-files').trim().split('\n').filter(Boolean);
  }

  test('a branch that is renamed comes under its new name', async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    upstream.git('branch', '-m', 'main', 'trunk');
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(last()).toMatchObject({ outcome: 'synced', transfer: { deleted: 1 } });
    expect(refs(site.dst(id))).toBe(refs(upstream.path));
    expect(clone()).toEqual(['README']);
  });

  test('a branch that becomes a directory of branches, and the other way round', async () => {
    upstream.git('branch', 'topic', 'main');
    upstream.git('branch', 'old/one', 'main');
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    upstream.git('branch', '-D', 'topic', 'old/one');
    upstream.git('branch', 'topic/one', 'main');
    upstream.git('branch', 'old', 'main');
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(refs(site.dst(id))).toBe(refs(upstream.path));
    expect(clone()).toEqual(['README']);
  });

  test('a fetch that leaves refs out with exit 0 is no success', async () => {
    upstream.commit('main', 'more', 'more');
    const shallow = join(pub, `${id}-shallow.git`);
    runGit('clone', '--quiet', '--bare', '--depth=1', `file://${upstream.path}`, shallow);
    await apply({ fsck: 'connectivity' }, shallow);
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ outcome: 'failed', failure: 'transfer', reason: matching(/shallow/) });
    expect(refs(site.dst(id))).toBe('');
  });

  test('one bad repository does not stop the others, and is named at the end', async () => {
    const names = ['a', 'b', 'c'].map((name) => `${id}/${name}.git`);
    const [first, second] = names.map((name) => makeRepository(join(pub, name)));
    await apply({ repositories: names }, pub);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    rmSync(first?.path ?? '', { recursive: true });
    second?.commit('main', 'news', 'news');
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({
      outcome: 'failed',
      failure: 'auth',
      reason: matching(new RegExp(`^1 of 3 repositories failed \\(${id}/a.git\\): upstream has no such`)),
    });
    expect(clone(join(site.dst(id), names[1] ?? ''))).toEqual(['README', 'news']);
    expect(refs(join(site.dst(id), names[0] ?? ''))).not.toBe('');
  });

  test('an upstream that is away is not asked for each of many repositories', async () => {
    const names = Array.from({ length: 9 }, (_, n) => `r${String(n)}.git`);
    await apply({ repositories: names }, 'git://127.0.0.1:1/');
    expect(await site.run(id)).toMatchObject({ code: 69 });
    expect(last()).toMatchObject({ failure: 'unavailable' });
    expect(site.log(id)).not.toContain('r3.git');
  });

  test('the guard counts the deletions of all repositories together', async () => {
    const names = ['a', 'b'].map((name) => `${id}/${name}.git`);
    const all = names.map((name) => makeRepository(join(pub, name)));
    for (const one of all) for (const n of [1, 2, 3]) one.git('branch', `topic/${String(n)}`, 'main');
    await apply({ repositories: names }, pub, { guard: { deletes: 3 } });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    for (const one of all) one.git('branch', '-D', 'topic/1', 'topic/2');
    expect(await site.run(id)).toMatchObject({ code: 77 });
    expect(last()).toMatchObject({
      outcome: 'blocked',
      reason: matching(
        /1 of 2 repositories failed .*: the delete guard: 4 would be deleted, at most 3 may be/,
      ),
    });
    expect(refs(join(site.dst(id), names[0] ?? ''))).toBe(refs(all[0]?.path ?? ''));
    expect(await site.run(id, '--allow-deletes', '2')).toMatchObject({ code: 0 });
    expect(refs(join(site.dst(id), names[1] ?? ''))).toBe(refs(all[1]?.path ?? ''));
  });

  test('a repository with sha256 ids, also where a run before could only make an empty one', async () => {
    const path = join(pub, `${id}-256.git`);
    runGit('init', '--quiet', '--bare', '--initial-branch=main', '--object-format=sha256', path);
    const work = join(scratch, `${id}-work`);
    runGit('init', '--quiet', '--object-format=sha256', work);
    writeFileSync(join(work, 'new'), 'new\n');
    runGit('-C', work, 'add', 'new');
    runGit('-C', work, 'commit', '--quiet', '-m', 'new');
    runGit('-C', work, 'push', '--quiet', path, 'HEAD:main');
    runGit('init', '--quiet', '--bare', site.dst(id));
    await apply({}, path);
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(refs(site.dst(id))).toBe(refs(path));
    expect(clone()).toEqual(['new']);
    expect(await site.run(id)).toMatchObject({ code: 0 });

    await apply();
    expect(await site.run(id)).toMatchObject({ code: 78 });
    expect(last()).toMatchObject({
      failure: 'config',
      reason: matching(/sha256 ids, and upstream's are sha1/),
    });
    expect(clone()).toEqual(['new']);
  });

  test('a HEAD that names no branch, and one whose branch is not mirrored', async () => {
    upstream.commit('dev', 'dev', 'dev');
    const commit = upstream.git('rev-parse', 'main').trim();
    upstream.commit('main', 'later', 'later');
    upstream.git('update-ref', '--no-deref', 'HEAD', commit);
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(clone()).toEqual(['README']);
    expect(runGit(`--git-dir=${site.dst(id)}`, 'rev-parse', 'HEAD').trim()).toBe(commit);

    // A commit that no ref has.
    upstream.git('update-ref', 'refs/heads/gone', 'dev');
    upstream.commit('gone', 'alone', 'alone');
    upstream.git('update-ref', '--no-deref', 'HEAD', 'gone');
    upstream.git('update-ref', '-d', 'refs/heads/gone');
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(clone()).toEqual(['alone', 'dev']);

    upstream.git('symbolic-ref', 'HEAD', 'refs/heads/dev');
    rmSync(site.dst(id), { recursive: true });
    id = `${id}m`;
    await apply({ refs: ['refs/heads/main'] });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(clone()).toEqual(['README', 'later']);
    expect(site.log(id)).toContain("upstream's HEAD is refs/heads/dev, which is not mirrored");
  });

  test('locks that a dead git left are removed under the run lock', async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    upstream.commit('main', 'more', 'more');
    const locks = ['refs/heads/main.lock', 'packed-refs.lock', 'HEAD.lock', 'objects/info/commit-graph.lock'];
    for (const lock of locks) {
      mkdirSync(join(site.dst(id), lock, '..'), { recursive: true });
      writeFileSync(join(site.dst(id), lock), '');
      utimesSync(join(site.dst(id), lock), 1e9, 1e9);
    }
    expect(await site.run(id)).toMatchObject({ code: 0 });
    for (const lock of locks) expect(existsSync(join(site.dst(id), lock)), lock).toBe(false);
    expect(site.log(id)).toContain('packed-refs.lock: the git that made it was killed');
    expect(clone()).toEqual(['README', 'more']);
  });

  test('Git LFS is said in the log', async () => {
    upstream.commit('main', '.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(site.log(id)).toContain('Git LFS');
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(site.log(id)).not.toContain('Git LFS');
  });

  test("a damaged object of upstream's is upstream's fault, not the connection's", async () => {
    const daemon = await startGitDaemon(pub);
    try {
      const tree = upstream.git('rev-parse', 'main^{tree}').trim();
      const object = join(upstream.path, 'objects', tree.slice(0, 2), tree.slice(2));
      rmSync(object);
      writeFileSync(object, 'no object');
      await apply({}, `git://127.0.0.1:${String(daemon.port)}/${id}.git`);
      expect(await site.run(id)).toMatchObject({ code: 69 });
      expect(last()).toMatchObject({ failure: 'transfer', reason: matching(/corrupt/) });
    } finally {
      await daemon.stop();
    }
  });

  test('an unchanged upstream is asked once, and git is never told to delete', async () => {
    await apply();
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(await site.run(id)).toMatchObject({ code: 0 });
    expect(site.log(id).match(/ls-remote/g)).toHaveLength(1);
    expect(site.log(id)).not.toContain(' fetch ');
    const job = readFileSync(join(site.root, `etc/mirror/compiled/jobs/${id}.json`), 'utf8');
    expect(job).not.toContain('prune');
  });
});
