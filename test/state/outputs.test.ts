import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SITE_FORMAT, type SiteFile } from '../../src/job/site-file.js';
import { outputs } from '../../src/state/outputs/index.js';
import type { Published } from '../../src/state/outputs/output.js';
import { emptyState, type PackageState } from '../../src/state/package-state.js';
import { runEnded, runStarted } from '../../src/state/reduce.js';
import { view, type Facts } from '../../src/state/status.js';
import { aPackage, aRecord, aRun, HOUR, NOON } from './site.js';

const arch = aPackage('ArchLinux', {
  name: 'Arch Linux',
  link: [{ rel: 'HOME', href: 'https://archlinux.org/' }],
  options: { ffts: true, fftsfile: 'lastupdate', bwlimit: '50m' },
});
const ctan = aPackage('CTAN', { syncrate: 'PT7H' });
const own = aPackage('own', {
  name: 'Our own',
  synctype: 'local',
  syncrate: '',
  src: '',
  hidden: true,
  stale_after: null,
});
const debian = aPackage('debian', { name: 'Débian' });

const ok = runEnded(emptyState('ArchLinux'), aRecord('synced', NOON - 2 * HOUR + 123));
const failing = runEnded(
  runEnded(emptyState('CTAN'), aRecord('synced', NOON - 5 * HOUR)),
  aRecord('failed', NOON - HOUR),
);
const syncing = runStarted(
  runEnded(emptyState('debian'), aRecord('unchanged', NOON - HOUR)),
  aRun(),
  NOON - 60_000,
);

const packages = [
  published(arch, ok),
  published(ctan, failing),
  published(own, emptyState('own'), { dstExists: true }),
  published(debian, syncing, { alive: true }),
];

const site: SiteFile = {
  format: SITE_FORMAT,
  mirrorname: 'Example University Mirror',
  hostname: 'mirror.example.edu',
  node: 'alpha',
  timezone: 'Asia/Seoul',
  statusfile: '/var/www/mirror/status.json',
  statfile: '/var/lib/mirror/stat.json',
  run_as: { user: 'mirror', group: 'mirror' },
  packages: packages.map(({ pkg }) => pkg),
};

// The golden files are mirror.py's shapes: compare a change with its readers before you take it over.
test.each(outputs.map((output) => [output.name, output] as const))(
  '%s is what readers of mirror.py expect',
  (name, output) => {
    const golden = fileURLToPath(new URL(`./golden/${name}`, import.meta.url));
    const text = output.render(site, packages, NOON);
    if (process.env.UPDATE_GOLDEN) writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, 'utf8'));
  },
);

test('status.json has exactly the keys and types that mirror.py writes, and no hidden package', () => {
  const status = render('status.json') as { lists: string[] } & Record<string, unknown>;
  expect(Object.keys(status)).toEqual(['mirrorname', 'lastupdate', 'lists', 'ArchLinux', 'CTAN', 'debian']);
  expect(status.lastupdate).toBe(NOON);
  expect(status.lists).toEqual(['ArchLinux', 'CTAN', 'debian']);
  expect(status.ArchLinux).toEqual({
    name: 'Arch Linux',
    id: 'ArchLinux',
    status: 'ACTIVE',
    synctype: 'rsync',
    syncrate: 'PT1H',
    syncurl: 'rsync://upstream.example.org/ArchLinux',
    href: '/ArchLinux',
    lastsync: (NOON - 2 * HOUR + 123) / 1000,
    lastsuccesstime: (NOON - 2 * HOUR + 123) / 1000,
    lasterrortime: 0,
    lastsuccesslog: '/var/log/mirror/packages/synced.log',
    lasterrorlog: null,
    errorcount: 0,
    links: [{ rel: 'HOME', href: 'https://archlinux.org/' }],
  });
  expect(status.CTAN).toMatchObject({ status: 'ERROR', errorcount: 1, lasterrortime: (NOON - HOUR) / 1000 });
  expect(status.debian).toMatchObject({ status: 'SYNC', name: 'Débian' });
});

test('stat.json has exactly the keys and types that mirror.py writes, hidden packages too', () => {
  const stat = render('stat.json') as { packages: Record<string, unknown> };
  expect(Object.keys(stat)).toEqual(['mirrorname', 'packages']);
  expect(Object.keys(stat.packages)).toEqual(['ArchLinux', 'CTAN', 'own', 'debian']);
  expect(stat.packages.debian).toEqual({
    id: 'debian',
    name: 'Débian',
    href: '/debian',
    synctype: 'rsync',
    syncrate: 'PT1H',
    link: [],
    settings: {
      hidden: false,
      src: 'rsync://upstream.example.org/debian',
      dst: '/srv/ftp/debian',
      options: {},
    },
    lastsync: (NOON - HOUR) / 1000,
    timestamp: NOON - 60_000,
    status: {
      status: 'SYNC',
      statusinfo: {
        lasterrorlog: null,
        lastsuccesslog: '/var/log/mirror/packages/unchanged.log',
        runninglog: '/var/log/mirror/packages/now.log',
        errorcount: 0,
        lastsuccesstime: (NOON - HOUR) / 1000,
        lasterrortime: 0,
      },
    },
  });
});

test('a program that reads floats finds floats, counts stay whole, texts stay texts', () => {
  const [stat, status] = outputs.map((output) => output.render(site, packages, NOON));
  expect(status).toContain(`"lastupdate": ${NOON}.0,`);
  expect(status).toContain('"lasterrortime": 0.0,');
  expect(status).toContain(`"lastsync": ${(NOON - 2 * HOUR + 123) / 1000},`);
  expect(status).toContain('"errorcount": 0,');
  expect(stat).toContain(`"timestamp": ${NOON - 60_000}.0,`);
  expect(stat).toMatch(/"lasterrortime": 0\.0\n/);
  const named = published(aPackage('x', { name: '"lastsync": 5' }), emptyState('x'));
  expect(JSON.parse(outputs[1]?.render(site, [named], NOON) ?? '')).toMatchObject({
    x: { name: '"lastsync": 5' },
  });
});

function render(name: string): object {
  const output = outputs.find((each) => each.name === name);
  return JSON.parse(output?.render(site, packages, NOON) ?? '') as object;
}

function published(pkg: Published['pkg'], state: PackageState, known: Partial<Facts> = {}): Published {
  const facts: Facts = {
    hold: null,
    unreadable: null,
    alive: false,
    dstExists: false,
    baseline: null,
    ...known,
  };
  return { pkg, state, view: view(pkg, state, facts, NOON) };
}
