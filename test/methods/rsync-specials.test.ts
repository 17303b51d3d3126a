import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { put, rsyncd, serveUpstream, site, upstream } from './rsync-upstream.js';

// Devices, FIFOs and sockets of an upstream: a program that opens one in dst would wait, or read this host's own devices.

serveUpstream({ tree: {} });

beforeEach(async () => {
  rmSync(upstream, { recursive: true });
  mkdirSync(upstream);
  chmodSync(upstream, 0o755);
  put('dists/stable/Release', 'x');
  put('pool/a', 'a');
  await makeSpecials('dists/stable');
  await makeSpecials('pool');
});

async function makeSpecials(directory: string): Promise<void> {
  const at = (name: string): string => join(upstream, directory, name);
  execFileSync('mkfifo', [at('fifo')]);
  const server = createServer();
  await new Promise<void>((listening) => server.listen(at('socket'), listening));
  // Closing it removes its file; what is renamed stays.
  execFileSync('mv', [at('socket'), at('sock')]);
  server.close();
  if (process.getuid?.() === 0) execFileSync('mknod', [at('null'), 'c', '1', '3']);
}

const WAYS: readonly [way: string, pkg: object, options: object][] = [
  ['in one pass', { synctype: 'rsync' }, {}],
  ['with a precheck', { synctype: 'rsync', precheck: { file: 'dists/stable/Release' } }, {}],
  ['in stages', { synctype: 'rsync' }, { stage_set: 'debian' }],
  ['of ubuntu', { synctype: 'ubuntu' }, {}],
  ['of quick-fedora', { synctype: 'quick-fedora' }, { list: 'fullfiletimelist-tree' }],
];

test.each(WAYS)('never reach dst %s, and are no change of upstream', async (_, pkg, options) => {
  await site.apply({ tree: { ...pkg, settings: { src: rsyncd.url('tree'), options } } });
  expect(await site.run('tree')).toMatchObject({ code: 0 });
  const kinds = filesBelow(site.dst('tree')).filter((path) => !/(^|\/)(project|\.~tmp~)\//.test(path));
  expect(kinds).toEqual(['dists/stable/Release', 'pool/a']);
  const { last, size } = site.state('tree');
  // The tree's three directories, or four, and two files: what dst has, not what upstream lists.
  expect(last?.transfer?.transferred_files).toBeLessThanOrEqual(2);
  if (size !== null) expect(size.files).toBeLessThanOrEqual(6);
  expect(await site.run('tree')).toMatchObject({ code: 0 });
  expect(site.state('tree').last?.transfer?.transferred_files ?? 0).toBe(0);
});

// A list of changes may name directories only, so quick-fedora does not go by rsync's count.
test.each(WAYS.slice(0, -1))(
  'are no files: an upstream of nothing else is no mirror %s',
  async (_, pkg, options) => {
    rmSync(join(upstream, 'dists/stable/Release'));
    rmSync(join(upstream, 'pool/a'));
    await site.apply({ tree: { ...pkg, settings: { src: rsyncd.url('tree'), options } } });
    expect(await site.run('tree')).toMatchObject({ code: 69 });
    expect(site.state('tree')).toMatchObject({ last: { outcome: 'failed' }, last_success: null });
  },
);

test('are copied where the site asks for them with flags of its own', async () => {
  const options = { base_args: ['-rtD'] };
  await site.apply({ tree: { synctype: 'rsync', settings: { src: rsyncd.url('tree'), options } } });
  expect(await site.run('tree')).toMatchObject({ code: 0 });
  expect(lstatSync(join(site.dst('tree'), 'pool/fifo')).isFIFO()).toBe(true);
});

test('set-id bits and write bits for others stay upstream where permissions are copied', async () => {
  for (const name of ['fifo', 'sock', 'null']) rmSync(join(upstream, 'pool', name), { force: true });
  chmodSync(join(upstream, 'pool/a'), 0o6777);
  const options = { list: 'fullfiletimelist-tree' };
  await site.apply({ tree: { synctype: 'quick-fedora', settings: { src: rsyncd.url('tree'), options } } });
  expect(await site.run('tree')).toMatchObject({ code: 0 });
  expect(lstatSync(join(site.dst('tree'), 'pool/a')).mode & 0o7777).toBe(0o775);
});

/** Everything that is no directory. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
