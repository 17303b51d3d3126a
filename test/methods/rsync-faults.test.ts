import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { matching } from '../support/matching.js';
import { proxy, rsyncd, serveUpstream, site, throughProxy, upstream } from './rsync-upstream.js';

const root = process.getuid?.() === 0;
const NOBODY = 65534;

serveUpstream({ tree: {}, unprivileged: root ? { uid: String(NOBODY), gid: String(NOBODY) } : {} });

beforeAll(() => {
  writeFileSync(join(upstream, 'a'), 'small');
  writeFileSync(join(upstream, 'b'), randomBytes(400_000));
});

async function apply(src: string, options: object = {}): Promise<void> {
  await site.apply({ tree: { synctype: 'rsync', settings: { src, options: { timeout: 4, ...options } } } });
}

/** Runs the package, which must fail, with its reason in the state and its tool's words in the log. */
async function failed(): Promise<object> {
  const { code } = await site.run('tree');
  const { outcome, failure, reason } = site.state('tree').last ?? {};
  expect(outcome).toBe('failed');
  expect(site.log('tree')).toContain(reason ?? 'a reason');
  expect(site.state('tree').last_success).toBeNull();
  return { code, failure, reason };
}

test('a connection that is cut in the middle of a file is unavailable; the next run goes on', async () => {
  await apply(throughProxy('tree'));
  proxy.set({ after: 200_000, then: 'cut' });
  expect(await failed()).toMatchObject({
    code: 69,
    failure: 'unavailable',
    reason: matching(/Connection reset by peer|connection unexpectedly closed/),
  });
  expect(existsSync(join(site.dst('tree'), 'b'))).toBe(false);
  proxy.set(null);
  expect(await site.run('tree')).toMatchObject({ code: 0 });
  expect(readFileSync(join(site.dst('tree'), 'b'))).toEqual(readFileSync(join(upstream, 'b')));
});

test('an upstream that falls silent in the middle of a file is unavailable after the time limit', async () => {
  await apply(throughProxy('tree'));
  proxy.set({ after: 200_000, then: 'hang' });
  expect(await failed()).toMatchObject({
    code: 69,
    failure: 'unavailable',
    reason: matching(/^upstream has sent nothing for \d+ s$/),
  });
  expect(existsSync(join(site.dst('tree'), 'b'))).toBe(false);
});

test('an upstream that is slow, but goes on, is waited for', async () => {
  await apply(rsyncd.url('tree'), { bwlimit: '40', timeout: 2 });
  expect(await site.run('tree')).toMatchObject({ code: 0 });
});

test('a directory that is not in the module is a failure with its name', async () => {
  await apply(`${rsyncd.url('tree')}/nowhere`);
  expect(await failed()).toMatchObject({
    code: 69,
    failure: 'transfer',
    reason: matching(/change_dir .*nowhere.* failed: No such file/),
  });
});

test.skipIf(!root)('a file that upstream may not read itself is missing, and that is a failure', async () => {
  writeFileSync(join(upstream, 'private'), 'x', { mode: 0o600 });
  try {
    await apply(rsyncd.url('unprivileged'));
    expect(await failed()).toMatchObject({
      code: 69,
      failure: 'transfer',
      reason: matching(/private.*: Permission denied/),
    });
    expect(readdirSync(site.dst('tree'))).toEqual(['a', 'b']);
  } finally {
    rmSync(join(upstream, 'private'));
  }
});

test.skipIf(!root)('a directory of dst that the run’s user may not write to needs a person', async () => {
  mkdirSync(join(upstream, 'sub'));
  writeFileSync(join(upstream, 'sub/file'), 'x');
  try {
    await apply(rsyncd.url('tree'));
    mkdirSync(join(site.dst('tree'), 'sub'));
    execFileSync('chown', ['-R', `${String(NOBODY)}:${String(NOBODY)}`, site.root]);
    execFileSync('chown', ['0:0', join(site.dst('tree'), 'sub')]);
    const user = [`--reuid=${String(NOBODY)}`, `--regid=${String(NOBODY)}`, '--clear-groups'];
    const program = process.env.MIRROR_TEST_ENTRY ?? resolve('dist/mirror.cjs');
    const words = [...user, process.execPath, program, 'run', 'tree', '--root', site.root];
    expect(spawnSync('setpriv', words).status).toBe(77);
    expect(site.state('tree').last).toMatchObject({
      outcome: 'failed',
      failure: 'dst',
      reason: matching(/^no permission in dst .*sub/),
    });
  } finally {
    rmSync(join(upstream, 'sub'), { recursive: true });
  }
});
