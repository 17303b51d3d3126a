import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { check, show } from '../../src/commands/status-report.js';
import type { Layout } from '../../src/job/layout.js';
import { emptyState, type PackageState } from '../../src/state/package-state.js';
import { runEnded, runStarted } from '../../src/state/reduce.js';
import { writeHold, writeState } from '../../src/state/store.js';
import { outputOf, type Ran } from './output-of.js';
import { aPackage, aRecord, aRun, HOUR, NOON } from './site.js';
import { siteOfTest } from './site-of-test.js';

let layout: Layout;

const upstream = NOON - 48 * HOUR;
const OLD_UPSTREAM = { freshness: { time: upstream, newest: upstream, max_age: 86_400 } };

/** One package of every kind an operator must tell apart. */
function everyKind(): void {
  const ids = ['ok', 'broken', 'held', 'waiting', 'retrying', 'blocked'];
  const packages = [...ids.map((id) => aPackage(id)), aPackage('secret', { hidden: true })];
  layout = siteOfTest(...packages).layout;
  writeState(layout, runEnded(emptyState('ok'), aRecord('synced', NOON - 5 * 60_000)));
  const reason = 'connection refused\n\u001b[31mred\u0007';
  const broken = runEnded(
    runEnded(emptyState('broken'), aRecord('synced', NOON - 30 * HOUR)),
    aRecord('failed', NOON - HOUR, { reason }),
  );
  writeState(layout, broken);
  writeHold(layout, 'held', { since: NOON, until: null, by: 'kim', reason: 'new disk' });
  const started = NOON - 90_000;
  writeState(layout, runStarted(emptyState('waiting'), aRun({ phase: 'waiting', started }), NOON));
  writeFileSync(layout.waitingFile('waiting'), '{"for":"upstream-ftp.example.org","since":0}');
  const failed = runEnded(emptyState('retrying'), aRecord('failed', NOON, { reason: 'timed out' }));
  writeState(layout, runStarted(failed, aRun({ phase: 'retrying', until: NOON + 600_000, started }), NOON));
  const state = runEnded(emptyState('blocked'), aRecord('blocked', NOON, { reason: '30000 deletions' }), {
    tripped: 20000,
  });
  writeState(layout, state);
}

describe('mirror status', () => {
  test('says how each package is, what it waits for and why it failed', async () => {
    everyKind();
    const { stdout } = await status({});
    expect(stdout).toBe(`\
PACKAGE   STATUS     LAST SUCCESS  ERRORS  NOTE
ok        ok         5 min ago     0
broken    failed     1 d 6 h ago   1       connection refused red
held      held       never         0       by kim: new disk
waiting   waiting    never         0       waiting for a slot of ftp.example.org (limits.per_upstream); for 1 min
retrying  retrying   never         1       timed out; for 1 min; goes on in 10 min
blocked   blocked    never         1       30000 deletions
secret    never ran  never         0       hidden
`);
  });

  test('shows the packages that were named, in that order', async () => {
    everyKind();
    const { stdout } = await status({ id: ['held', 'ok', 'held'] });
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual(['PACKAGE', 'held', 'ok', '']);
  });

  test('prints one JSON object with UTC times', async () => {
    everyKind();
    const report = JSON.parse((await status({ json: true })).stdout) as {
      packages: Record<string, unknown>[];
    };
    expect(report).toMatchObject({ format: 'mirror/status/1', mirrorname: 'Example University Mirror' });
    expect(report.packages.map(({ id, status, published }) => [id, status, published])).toEqual([
      ['ok', 'ok', 'ACTIVE'],
      ['broken', 'failed', 'ERROR'],
      ['held', 'held', 'UNKNOWN'],
      ['waiting', 'waiting', 'UNKNOWN'],
      ['retrying', 'retrying', 'ERROR'],
      ['blocked', 'blocked', 'ERROR'],
      ['secret', 'never ran', 'UNKNOWN'],
    ]);
    expect(report.packages[0]).toMatchObject({
      last_success: '2026-11-22T11:55:00.000Z',
      errors: 0,
      run: null,
    });
    expect(report.packages[3]).toMatchObject({
      run: { phase: 'waiting', waits_for: expect.stringContaining('ftp') as string },
    });
    expect(report.packages[5]).toMatchObject({
      blocked: { limit: 20000, since: '2026-11-22T12:00:00.000Z' },
    });
  });

  test('an unknown package is named with the nearest known one', async () => {
    everyKind();
    expect(await status({ id: ['brokne'] })).toMatchObject({
      exit: 66,
      message: 'mirror: no package `brokne` is applied here; did you mean `broken`?',
    });
  });

  test('before the first apply it says what to do', async () => {
    layout = siteOfTest().layout;
    rmSync(layout.siteFile);
    expect(await status({})).toMatchObject({
      exit: 66,
      message: expect.stringContaining('mirror apply') as string,
    });
  });

  test('a broken state file is left alone: looking changes nothing', async () => {
    everyKind();
    writeFileSync(layout.stateFile('ok'), '{');
    expect((await status({ id: ['ok'] })).stdout).toContain('unreadable');
    expect((await status({ id: ['ok'] })).exit).toBe(0);
  });
});

describe('mirror status --check', () => {
  const success = (hours: number): void => {
    writeState(layout, runEnded(emptyState('debian'), aRecord('synced', NOON - hours * HOUR)));
  };

  test.each<[string, () => void, number, string]>([
    [
      'fresh',
      () => success(2),
      0,
      'MIRROR OK - 1 of 1 packages fine | packages=1 syncing=0 failed=0 stale=0 blocked=0 held=0 oldest=7200s',
    ],
    ['never run', () => undefined, 1, 'WARNING - 0 of 1 packages fine; debian never ran (no success yet) |'],
    [
      'stale',
      () => success(30),
      2,
      'CRITICAL - 0 of 1 packages fine; debian stale (last success 1 d 6 h ago) |',
    ],
    [
      'failed but fresh',
      () =>
        writeState(
          layout,
          runEnded(
            runEnded(emptyState('debian'), aRecord('synced', NOON)),
            aRecord('failed', NOON, { reason: 'a|b' }),
          ),
        ),
      1,
      'WARNING - 0 of 1 packages fine; debian failed (a/b) |',
    ],
    [
      'failed and stale',
      () =>
        writeState(
          layout,
          runEnded(
            runEnded(emptyState('debian'), aRecord('synced', NOON - 48 * HOUR)),
            aRecord('failed', NOON),
          ),
        ),
      2,
      'CRITICAL - 0 of 1 packages fine; debian failed (last success 2 d ago) |',
    ],
    [
      'held, however old',
      () => {
        success(300);
        writeHold(layout, 'debian', { since: NOON, until: null, by: 'kim', reason: null });
      },
      1,
      'debian held (by kim) |',
    ],
    [
      'blocked',
      () => writeState(layout, runEnded(emptyState('debian'), aRecord('blocked', NOON, { reason: 'r' }))),
      2,
      'debian blocked (r) |',
    ],
    [
      'syncing while stale',
      () =>
        writeState(
          layout,
          runStarted(runEnded(emptyState('debian'), aRecord('synced', NOON - 48 * HOUR)), aRun(), NOON),
        ),
      2,
      'debian syncing (last',
    ],
  ])('a package that is %s', async (_, arrange, exit, line) => {
    layout = siteOfTest(aPackage('debian')).layout;
    arrange();
    const ran = await checked({});
    expect(ran.exit).toBe(exit);
    expect(ran.stdout).toContain(line);
    expect(ran.stdout.trimEnd()).not.toContain('\n');
  });

  test('--max-age replaces the packages’ own limits, both ways', async () => {
    layout = siteOfTest(aPackage('debian')).layout;
    success(30);
    expect((await checked({ 'max-age': 'PT36H' })).exit).toBe(0);
    expect((await checked({ 'max-age': 'PT29H' })).exit).toBe(2);
    success(2);
    expect((await checked({ 'max-age': 'PT1H' })).exit).toBe(2);
    expect(await checked({ 'max-age': '1 hour' })).toMatchObject({
      exit: 64,
      message: expect.stringContaining('PT36H') as string,
    });
  });

  test.each<[string, number, Partial<PackageState>, string]>([
    [
      'upstream itself is old',
      2,
      OLD_UPSTREAM,
      'stale (synced, but upstream itself is of 2026-11-20 21:00:00; last',
    ],
    [
      'both are',
      30,
      OLD_UPSTREAM,
      'stale (upstream itself is of 2026-11-20 21:00:00; last success 1 d 6 h ago',
    ],
    [
      'the success lies in the future',
      -30,
      {},
      'stale (its recorded success lies in the future; last success in',
    ],
  ])('--max-age is no excuse where %s', async (_, hours, change, words) => {
    layout = siteOfTest(aPackage('debian')).layout;
    const state = runEnded(emptyState('debian'), aRecord('synced', NOON - hours * HOUR));
    writeState(layout, { ...state, ...change });
    const ran = await checked({ 'max-age': 'P2D' });
    expect(ran.stdout).toContain(`MIRROR CRITICAL - 0 of 1 packages fine; debian ${words}`);
    expect(ran.exit).toBe(2);
  });

  test('an old package says why it is not synced, and how old it is', async () => {
    layout = siteOfTest(aPackage('debian')).layout;
    const state = runEnded(emptyState('debian'), aRecord('synced', NOON - 2 * HOUR));
    writeState(layout, runEnded(state, aRecord('blocked', NOON, { reason: '30000 deletions' })));
    expect((await checked({ 'max-age': 'PT1H' })).stdout).toContain(
      'debian blocked (30000 deletions; last success 2 h ago) |',
    );
  });

  test('tells times on the clock of the site', async () => {
    layout = siteOfTest(aPackage('debian')).layout;
    writeHold(layout, 'debian', { since: NOON, until: NOON + 12 * HOUR, by: 'kim', reason: null });
    expect((await status({})).stdout).toContain('by kim until 2026-11-23 09:00:00');
    expect((await checked({})).stdout).toContain('debian held (by kim until 2026-11-23 09:00:00)');
    expect((await status({ json: true })).stdout).toContain(
      '"reason": "by kim until 2026-11-23T00:00:00.000Z"',
    );
  });

  test('a disabled package, and a tree without a schedule, are nobody’s alarm', async () => {
    const own = aPackage('own', { synctype: 'local', syncrate: '', stale_after: null, dst: '/tmp' });
    layout = siteOfTest(aPackage('debian', { disabled: true }), own).layout;
    expect((await checked({ 'max-age': 'PT1H' })).exit).toBe(0);
  });

  test('what cannot be told is UNKNOWN, on stdout', async () => {
    layout = siteOfTest().layout;
    rmSync(layout.siteFile);
    expect(await checked({})).toMatchObject({
      exit: 3,
      stdout: expect.stringMatching(/^MIRROR UNKNOWN - nothing/) as string,
    });
    expect(await checked({ id: ['debian'] })).toMatchObject({ exit: 3 });
  });

  test('names the worst first and no more than fit a pager', async () => {
    layout = siteOfTest(...Array.from({ length: 9 }, (_, i) => aPackage(`p${String(i)}`))).layout;
    writeState(layout, runEnded(emptyState('p8'), aRecord('synced', NOON - 48 * HOUR)));
    const { stdout } = await checked({});
    expect(stdout).toMatch(/packages fine; p8 stale .*; p0 never ran .*; 4 more \|/);
  });
});

function status(options: object): Promise<Ran> {
  return outputOf(() => show({ root: layout.root, json: false, ...options }, NOON));
}

function checked(options: object): Promise<Ran> {
  return outputOf(() => check({ root: layout.root, json: false, check: true, ...options }, NOON));
}
