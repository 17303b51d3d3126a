import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Layout } from '../../src/job/layout.js';
import { emptyState } from '../../src/state/package-state.js';
import { markDirty, publish } from '../../src/state/publish.js';
import { runEnded, runStarted } from '../../src/state/reduce.js';
import { writeHold, writeState } from '../../src/state/store.js';
import { tryLock } from '../../src/system/flock.js';
import { publishedStatus, aPackage, aRecord, aRun, HOUR, makeSite, NOON } from './site.js';
import { siteOfTest } from './site-of-test.js';

let warnings: string[] = [];
const warn = (message: string): void => void warnings.push(message);
afterEach(() => void (warnings = []));

test('keeps stat.json from others, and status.json as the web server had it', () => {
  const { layout, site: applied } = siteOfTest(aPackage('debian'));
  run(layout);
  expect(statSync(applied.statfile).mode & 0o777).toBe(0o640);
  expect(statSync(applied.statusfile).mode & 0o777).toBe(0o644);
  chmodSync(applied.statusfile, 0o664);
  chmodSync(applied.statfile, 0o644);
  run(layout);
  expect(statSync(applied.statusfile).mode & 0o777).toBe(0o664);
  expect(statSync(applied.statfile).mode & 0o777).toBe(0o640);
});

test('a reader in the middle of a file keeps the old one to its end', () => {
  const { layout, site: applied } = siteOfTest(aPackage('debian'));
  run(layout);
  const files = [applied.statfile, applied.statusfile];
  const before = files.map((path) => ({ fd: openSync(path, 'r'), text: readFileSync(path, 'utf8') }));
  writeState(layout, runEnded(emptyState('debian'), aRecord('failed', NOON)));
  run(layout);
  for (const { fd, text } of before) {
    expect(readFileSync(fd, 'utf8')).toBe(text);
    closeSync(fd);
  }
  expect(files.map((path) => readFileSync(path, 'utf8'))).not.toEqual(before.map(({ text }) => text));
});

test('shows holds, staleness, living runs, and our own tree', () => {
  const own = aPackage('own', { synctype: 'local', syncrate: '', stale_after: null, dst: '/tmp' });
  const gone = aPackage('gone', {
    synctype: 'local',
    syncrate: '',
    stale_after: null,
    dst: '/nonexistent',
  });
  const { layout, site: applied } = siteOfTest(
    aPackage('held'),
    aPackage('old'),
    aPackage('busy'),
    aPackage('dead'),
    own,
    gone,
  );
  writeHold(layout, 'held', { since: NOON, until: null, by: 'kim', reason: null });
  writeState(layout, runEnded(emptyState('held'), aRecord('synced', NOON)));
  writeState(layout, runEnded(emptyState('old'), aRecord('synced', NOON - 25 * HOUR)));
  writeState(layout, runStarted(emptyState('busy'), aRun(), NOON));
  writeState(layout, runStarted(emptyState('dead'), aRun({ pid_start: 1 }), NOON));
  run(layout);
  const status = publishedStatus(applied);
  const words = Object.fromEntries(status.lists.map((id) => [id, status[id]?.status]));
  expect(words).toEqual({
    held: 'UNKNOWN',
    old: 'ERROR',
    busy: 'SYNC',
    dead: 'UNKNOWN',
    own: 'ACTIVE',
    gone: 'UNKNOWN',
  });
});

test('a run whose executor is gone or out of sight is SYNC as long as its lock is held', () => {
  const { layout, site: applied } = siteOfTest(aPackage('debian'));
  writeState(layout, runStarted(emptyState('debian'), aRun({ pid_start: 1 }), NOON));
  const lock = tryLock(layout.runLock('debian'));
  run(layout);
  expect(publishedStatus(applied).debian?.status).toBe('SYNC');
  lock?.release();
  run(layout);
  expect(publishedStatus(applied).debian?.status).toBe('UNKNOWN');
});

test('leaves it to a publisher at work, which finds the marker', () => {
  const { layout, site: applied } = siteOfTest(aPackage('debian'));
  const lock = tryLock(layout.publishLock);
  run(layout);
  expect(existsSync(applied.statusfile)).toBe(false);
  expect(existsSync(layout.dirtyMarker)).toBe(true);
  lock?.release();
  publish(layout, NOON, warn);
  expect(existsSync(applied.statusfile)).toBe(true);
});

test('reads again what changed while it was reading', () => {
  const { layout, site: applied } = siteOfTest(aPackage('debian'), aPackage('ubuntu'));
  writeFileSync(layout.stateFile('ubuntu'), 'broken');
  markDirty(layout);
  // The warning about ubuntu comes when debian has been read: the moment for another process to end debian's run.
  let ended = false;
  publish(layout, NOON, () => {
    // Each reading warns again.
    if (ended) return;
    ended = true;
    writeState(layout, runEnded(emptyState('debian'), aRecord('synced', NOON)));
    markDirty(layout);
  });
  expect(publishedStatus(applied).debian?.status).toBe('ACTIVE');
});

test('does nothing when nothing changed', () => {
  const { layout, site: applied } = siteOfTest(aPackage('debian'));
  publish(layout, NOON, warn);
  expect(existsSync(applied.statusfile)).toBe(false);
});

test('a web directory that is not there is a warning, and the other file is written', () => {
  const { layout, site: applied } = siteOfTest(aPackage('debian'));
  rmSync(dirname(applied.statusfile), { recursive: true });
  run(layout);
  expect(warnings).toEqual([expect.stringContaining('status.json was not published')]);
  expect(existsSync(applied.statfile)).toBe(true);
});

test('a state that is broken makes its package UNKNOWN and nothing else', () => {
  const { layout, site: applied } = siteOfTest(aPackage('debian'), aPackage('ubuntu'));
  writeState(layout, runEnded(emptyState('ubuntu'), aRecord('synced', NOON)));
  writeFileSync(layout.stateFile('debian'), '{"format":');
  run(layout);
  expect(publishedStatus(applied)).toMatchObject({
    debian: { status: 'UNKNOWN' },
    ubuntu: { status: 'ACTIVE' },
  });
  expect(warnings).toHaveLength(1);
});

test('a site of another format, or locks that cannot be made, are warnings', () => {
  const { layout } = siteOfTest(aPackage('debian'));
  writeFileSync(layout.siteFile, '{"format":"mirror/site/9"}');
  run(layout);
  expect(warnings).toEqual([expect.stringContaining('mirror/site/9')]);
  rmSync(`${layout.state}/locks`, { recursive: true });
  run(layout);
  expect(warnings).toHaveLength(2);
});

test('a rehearsal below --root never writes the files of the live site', () => {
  const { layout, site: applied } = siteOfTest(aPackage('debian'));
  const live = makeSite([]);
  try {
    const statusfile = `${live.layout.root}/www/status.json`;
    writeFileSync(layout.siteFile, JSON.stringify({ ...applied, statusfile }));
    run(layout);
    expect(existsSync(statusfile)).toBe(false);
    expect(warnings).toEqual([expect.stringContaining(`${statusfile} is outside ${layout.root}`)]);
  } finally {
    rmSync(live.layout.root, { recursive: true });
  }
});

function run(layout: Layout): void {
  markDirty(layout);
  publish(layout, NOON, warn);
}
