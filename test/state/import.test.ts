import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SITE_FORMAT, type SiteFile } from '../../src/job/site-file.js';
import { importStat } from '../../src/state/import.js';
import { stat } from '../../src/state/outputs/stat.js';
import { isPackageState } from '../../src/state/package-state.js';
import { view } from '../../src/state/status.js';
import { aPackage, HOUR, NOON } from './site.js';

const golden = readFileSync(new URL('./golden/stat.json', import.meta.url), 'utf8');
const ids = ['ArchLinux', 'CTAN', 'own', 'debian'];

test('what stat.json said before is what it says after: status, times, counts and logs', () => {
  const before = JSON.parse(golden) as { packages: Record<string, { status: { status: string } }> };
  const { states, warnings } = importStat(golden, ids);
  expect(warnings).toEqual([]);
  const after = JSON.parse(publishAgain(states)) as typeof before;
  expect(after.packages.ArchLinux).toEqual(before.packages.ArchLinux);
  expect(after.packages.CTAN).toEqual(before.packages.CTAN);
  // It was syncing when it was taken over; the last success stands, and its slot is still due.
  const debian = states.find(({ id }) => id === 'debian');
  expect(debian).toMatchObject({ last: { outcome: 'interrupted', log: '/var/log/mirror/packages/now.log' } });
  expect(debian).toMatchObject({ run: null, last_success: NOON - HOUR, last_end: NOON - HOUR, errors: 0 });
  expect(after.packages.debian?.status.status).toBe('ACTIVE');
});

test('every imported state is whole', () => {
  for (const state of importStat(golden, ids).states) expect(isPackageState(state, state.id)).toBe(true);
});

test('a package that the file does not know gets no state, even one named like an object member', () => {
  expect(importStat(golden, ['gentoo', 'constructor', 'toString'])).toEqual({ states: [], warnings: [] });
});

describe('older shapes', () => {
  const legacy = (entry: object): unknown =>
    importStat(JSON.stringify({ mirrorname: 'm', packages: { debian: entry } }), ['debian']).states[0];

  test('a status that is a string, with lastsync and logs in statusinfo', () => {
    const statusinfo = { lastsync: NOON / 1000, lastsuccesslog: '/log/a', errorcount: 0 };
    expect(legacy({ status: 'ACTIVE', statusinfo })).toMatchObject({
      last_success: NOON,
      last_end: NOON,
      last_success_log: '/log/a',
      errors: 0,
      last: { outcome: 'synced' },
    });
  });

  test('an error without a count counts once', () => {
    expect(legacy({ status: 'ERROR', lastsync: NOON / 1000 })).toMatchObject({
      errors: 1,
      last_error: NOON,
      last_success: null,
      last: { outcome: 'failed' },
    });
  });

  test('a count of errors that a success left standing', () => {
    const statusinfo = { errorcount: 3, lastsuccesstime: NOON / 1000 };
    expect(legacy({ status: { status: 'ACTIVE', statusinfo }, lastsync: NOON / 1000 })).toMatchObject({
      errors: 0,
      last: { outcome: 'synced' },
    });
  });

  test('milliseconds where seconds belong', () => {
    expect(legacy({ status: 'ACTIVE', lastsync: NOON })).toMatchObject({
      last_end: NOON,
      last_success: NOON,
    });
  });

  test('a package that never ran', () => {
    expect(
      legacy({ status: { status: 'UNKNOWN', statusinfo: { errorcount: 0 } }, lastsync: 0.0 }),
    ).toMatchObject({
      last: null,
      last_end: null,
      last_success: null,
      errors: 0,
    });
  });

  test('nonsense in every field is no history, not a crash', () => {
    const nonsense = {
      lastsync: 'x',
      timestamp: -1,
      status: { status: 7, statusinfo: { errorcount: -2, lasterrorlog: {} } },
    };
    const state = legacy(nonsense);
    expect(state).toMatchObject({ last: null, errors: 0, changed: 0, last_error_log: null });
  });
});

test.each(['', '[]', 'null', '{"packages":[]}', '{"packages"', '{"ArchLinux":{}}'])(
  'a file that is no stat.json (%j) is a warning',
  (text) => {
    expect(importStat(text, ids)).toEqual({
      states: [],
      warnings: [expect.stringContaining('not a mirror.py')],
    });
  },
);

test('an entry that is no object is a warning that names it', () => {
  const { states, warnings } = importStat('{"packages":{"CTAN":5,"debian":{}}}', ids);
  expect(states.map(({ id }) => id)).toEqual(['debian']);
  expect(warnings).toEqual([expect.stringContaining('CTAN')]);
});

function publishAgain(states: ReturnType<typeof importStat>['states']): string {
  const entries = (JSON.parse(golden) as { packages: Record<string, Parameters<typeof aPackage>[1]> })
    .packages;
  const packages = states.map((state) => {
    const { settings, ...rest } = entries[state.id] as { settings: object };
    const pkg = aPackage(state.id, { ...rest, ...settings, stale_after: 86_400 });
    const facts = { hold: null, unreadable: null, alive: false, dstExists: false, baseline: null };
    return { pkg, state, view: view(pkg, state, facts, NOON) };
  });
  const site = {
    format: SITE_FORMAT,
    mirrorname: 'm',
    packages: packages.map(({ pkg }) => pkg),
  } as unknown as SiteFile;
  return stat.render(site, packages, NOON);
}
