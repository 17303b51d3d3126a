import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../support/rsyncd.js';
import { put, rsyncd, serveUpstream, site, upstream } from './rsync-upstream.js';

serveUpstream({ tree: {} });

/** How a run of the package ends, and what is said of it. */
async function ended(): Promise<object> {
  const { code } = await site.run('tree');
  const { last, last_success } = site.state('tree');
  return {
    code,
    outcome: last?.outcome,
    reason: (last as { reason?: string }).reason,
    whole: last_success !== null,
  };
}

const NOTHING = { code: 69, outcome: 'failed', reason: 'upstream lists no files', whole: false };

const WAYS: readonly [way: string, pkg: object, options: object][] = [
  ['in one pass', { synctype: 'rsync' }, {}],
  ['with a precheck', { synctype: 'rsync', precheck: { file: 'lastupdate' } }, {}],
  ['in stages', { synctype: 'rsync' }, { stage_set: 'debian' }],
  ['of ubuntu', { synctype: 'ubuntu' }, {}],
  ['of quick-fedora', { synctype: 'quick-fedora' }, { list: 'fullfiletimelist-tree' }],
];

test.each(WAYS)('a first sync %s from an upstream without files is no success', async (_, pkg, options) => {
  rmSync(upstream, { recursive: true });
  mkdirSync(upstream);
  await site.apply({ tree: { ...pkg, settings: { src: rsyncd.url('tree'), options } } });
  expect(await ended()).toEqual(NOTHING);
  // Nothing stands in the way of the next run, when upstream is back.
  put('dists/stable/Release', 'x');
  put('pool/a', 'a');
  expect(await ended()).toMatchObject({ code: 0, outcome: 'synced', whole: true });
});

test.each(WAYS)('a fallback without files is no success %s, at first and later', async (_, pkg, options) => {
  const dead = `rsync://127.0.0.1:${String(await freePort())}/tree`;
  rmSync(upstream, { recursive: true });
  // Directories alone are no files either.
  mkdirSync(join(upstream, 'dists/stable'), { recursive: true });
  await site.apply({ tree: { ...pkg, settings: { src: [dead, rsyncd.url('tree')], options } } });
  expect(await ended()).toEqual(NOTHING);
  put('dists/stable/Release', 'x');
  put('pool/a', 'a');
  expect(await ended()).toMatchObject({ code: 0, outcome: 'synced' });
  const { last_success } = site.state('tree');

  rmSync(upstream, { recursive: true });
  mkdirSync(upstream);
  expect(await ended()).toEqual({ ...NOTHING, whole: true });
  expect(site.state('tree')).toMatchObject({ last_success, errors: 1 });
  expect(readFileSync(join(site.dst('tree'), 'pool/a'), 'utf8')).toBe('a');
});
