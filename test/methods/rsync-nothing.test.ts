import { mkdirSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
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

test.each([
  ['in one pass', { synctype: 'rsync' }, {}],
  ['with a precheck', { synctype: 'rsync', precheck: { file: 'lastupdate' } }, {}],
  ['in stages', { synctype: 'rsync' }, { stage_set: 'debian' }],
  ['of ubuntu', { synctype: 'ubuntu' }, {}],
  ['of quick-fedora', { synctype: 'quick-fedora' }, { list: 'fullfiletimelist-tree' }],
])('a first sync %s from an upstream without files is no success', async (_, pkg, options) => {
  rmSync(upstream, { recursive: true });
  mkdirSync(upstream);
  await site.apply({ tree: { ...pkg, settings: { src: rsyncd.url('tree'), options } } });
  expect(await ended()).toEqual(NOTHING);
  // Nothing stands in the way of the next run, when upstream is back.
  put('dists/stable/Release', 'x');
  put('pool/a', 'a');
  expect(await ended()).toMatchObject({ code: 0, outcome: 'synced', whole: true });
});
