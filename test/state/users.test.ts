import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needsOf, setup } from '../../src/apply/setup.js';
import type { Layout } from '../../src/job/layout.js';
import { STATE_DIRECTORIES } from '../../src/job/layout.js';
import type { SiteFile } from '../../src/job/site-file.js';
import { realSystem } from '../../src/system/real.js';
import { pkg, site as configured } from '../compile/site.js';
import { bundleChild } from './bundle.js';
import { publishedStatus, aPackage, makeSite } from './site.js';

/** Two users that no host has, and the group they share: `user` and `group` of two packages. */
const GROUP = 64_321;
const [ALICE, BOB] = [64_322, 64_323];

let child: string;
let layout: Layout;
let site: SiteFile;

beforeAll(async () => {
  child = await bundleChild();
  ({ layout, site } = makeSite(['a', 'b', 'c'].map((id) => aPackage(id))));
  if (process.getuid?.() !== 0) return;
  chmodSync(dirname(child), 0o755);
  chmodSync(layout.root, 0o755);
  rmdirSync(dirname(site.statusfile));
  const { statusfile, statfile } = site;
  const users = { a: ALICE, b: BOB, c: ALICE };
  const packages = Object.entries(users).map(([id, user]) => pkg(id, { user, group: GROUP }));
  const settings = { uid: ALICE, gid: GROUP, statusfile, statfile, logfolder: `${layout.root}/log` };
  await setup(needsOf(configured(packages, settings)), layout, realSystem());
  // Below a root it gives nothing away; the modes are its own.
  for (const path of [
    layout.state,
    dirname(statusfile),
    ...STATE_DIRECTORIES.map((name) => join(layout.state, name)),
  ])
    chownSync(path, ALICE, GROUP);
});
afterAll(() => {
  rmSync(dirname(child), { recursive: true });
  rmSync(layout.root, { recursive: true });
});

test.runIf(process.getuid?.() === 0)(
  'packages that run as different users of one group publish for each other (as root)',
  () => {
    expect(endRun('a', ALICE)).toBe('');
    expect(endRun('b', BOB)).toBe('');
    expect(endRun('c', ALICE)).toBe('');
    const status = publishedStatus(site);
    expect(status.lists.map((id) => status[id]?.status)).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE']);
    expect(statSync(site.statfile)).toMatchObject({ uid: ALICE, gid: GROUP });
    expect(readFileSync(layout.stateFile('b'), 'utf8')).toContain('"synced"');
  },
);

test.runIf(process.getuid?.() === 0)(
  'any of them ends what another one’s dead executor left (as root)',
  () => {
    expect(endRun('a', ALICE, 'dies')).toBe('');
    expect(endRun('b', BOB, 'repairs')).toBe('');
    expect(JSON.parse(readFileSync(layout.stateFile('a'), 'utf8'))).toMatchObject({
      run: null,
      last: { outcome: 'interrupted' },
    });
    const history = readdirSync(`${layout.state}/history`).map((name) =>
      readFileSync(`${layout.state}/history/${name}`, 'utf8'),
    );
    expect(history.join('').trim().split('\n')).toHaveLength(2);
  },
);

/** What the process said on stderr. */
function endRun(id: string, uid: number, ...how: string[]): string {
  const options = { uid, gid: GROUP, input: '', encoding: 'utf8' } as const;
  return spawnSync(process.execPath, [child, layout.root, id, String(Date.now()), ...how], {
    ...options,
    cwd: '/',
  }).stderr;
}
