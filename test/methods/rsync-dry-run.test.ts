import { linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { methodSite } from './site.js';

const site = methodSite();
const upstream = mkdtempSync(join(tmpdir(), 'mirror-upstream-'));
let rsyncd: Rsyncd;

beforeAll(async () => {
  const closed = { 'auth users': 'ada', 'secrets file': 'SECRETS' };
  rsyncd = await startRsyncd(
    { open: { path: upstream }, closed: { path: upstream, options: closed } },
    { ada: 'right' },
  );
  const options = { timeout: 5, contimeout: 5 };
  const settings = (module: string, more: object = {}): object => ({
    src: rsyncd.url(module),
    options: { ...options, ...more },
  });
  await site.apply({
    tree: { synctype: 'rsync', settings: settings('open') },
    staged: { synctype: 'rsync', settings: settings('open', { stage_set: 'rpm' }) },
    secret: { synctype: 'rsync', settings: settings('closed', { user: 'ada', password: 'right' }) },
    wrong: { synctype: 'rsync', settings: settings('closed', { user: 'ada', password: 'wrong' }) },
    missing: { synctype: 'rsync', settings: settings('nowhere') },
    local: { synctype: 'local' },
  });
});

beforeEach(() => {
  for (const directory of [upstream, ...['tree', 'staged', 'secret', 'wrong'].map((id) => site.dst(id))]) {
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
  }
});

afterAll(async () => {
  await rsyncd.stop();
  site.remove();
  rmSync(upstream, { recursive: true, force: true });
});

function put(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}

const DRY = ['--dry-run', '--transfer'] as const;

test('tells what a sync would add, change and delete, and writes nothing', async () => {
  put(upstream, { 'new/a': '12345', 'new/b': '1234567890', same: 'same', changed: 'longer than before' });
  linkSync(join(upstream, 'new/b'), join(upstream, 'new/b again'));
  symlinkSync('same', join(upstream, 'link'));
  await site.run('tree');
  put(upstream, { 'new/c': 'x'.repeat(1000), changed: 'again' });
  linkSync(join(upstream, 'new/c'), join(upstream, 'new/c again'));
  rmSync(join(upstream, 'new/a'));
  rmSync(join(upstream, 'link'));
  const before = readdirSync(site.dst('tree'), { recursive: true });

  const { stdout, code } = await site.run('tree', ...DRY);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(
    '2 to add (1000 bytes), 1 to change (5 bytes), 2 to delete',
  );
  expect(code).toBe(0);
  expect(readdirSync(site.dst('tree'), { recursive: true })).toEqual(before);

  const { transferred_files, transferred_bytes, deleted } = await nowSynced('tree');
  expect({ transferred_files, transferred_bytes, deleted }).toEqual({
    transferred_files: 2,
    transferred_bytes: 1005,
    deleted: 2,
  });
});

test('tells it as one object with --json', async () => {
  put(upstream, { a: '12345' });
  const { stdout, code } = await site.run('tree', ...DRY, '--json');
  const said = JSON.parse(stdout) as Record<string, unknown>;
  expect(said).toMatchObject({ format: 'mirror/dry-run/1', id: 'tree', exit: code });
  expect(said.transfers).toEqual([
    { add: { files: 1, bytes: 5 }, change: { files: 0, bytes: 0 }, delete: { files: 0 } },
  ]);
  expect(said.commands).toContainEqual(expect.stringMatching(/^ {2}rsync --max-delete=\d+ .* -vrltSH /));
  const { stdout: without } = await site.run('tree', '--dry-run', '--json');
  expect(JSON.parse(without)).toMatchObject({ exit: 0, transfers: null });
});

test('counts files whose names look like something else once each', async () => {
  const names = ['*deleting x', '>f+++++++++ 99 x', 'new\nline', '\nf>f+++++++++ 1 y', 'tab\there', 'ü', ' '];
  put(upstream, Object.fromEntries(names.map((name) => [name, '12'])));
  const { stdout } = await site.run('tree', ...DRY);
  expect(stdout).toContain('7 to add (14 bytes), 0 to change (0 bytes), 0 to delete');
});

test('tells of all stages at once', async () => {
  put(upstream, { 'a/x.rpm': '123', 'a/repodata/repomd.xml': '45' });
  put(site.dst('staged'), { 'a/old.rpm': '' });
  const { stdout, code } = await site.run('staged', ...DRY);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('2 to add (5 bytes), 0 to change (0 bytes), 1 to delete');
  expect(code).toBe(0);
  expect(readdirSync(site.dst('staged'), { recursive: true })).toEqual(['a', 'a/old.rpm']);
});

test('hands over the password, and ends as a run would where it is wrong', async () => {
  put(upstream, { a: '12345' });
  expect(await site.run('secret', ...DRY)).toMatchObject({ code: 0 });
  const wrong = await site.run('wrong', ...DRY);
  expect(wrong.code).toBe(77);
  expect(wrong.stdout).toMatch(/^not told: refused by upstream \(exit 5\): @ERROR: auth failed/m);
  expect((await site.run('missing', ...DRY)).code).toBe(77);
  expect(await site.run('local', ...DRY)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('nothing to transfer') as string,
  });
});

async function nowSynced(id: string): Promise<Record<string, unknown>> {
  expect(await site.run(id)).toMatchObject({ code: 0 });
  return site.state(id).last?.transfer as unknown as Record<string, unknown>;
}
