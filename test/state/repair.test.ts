import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import type { Layout } from '../../src/job/layout.js';
import { emptyState } from '../../src/state/package-state.js';
import { runStarted } from '../../src/state/reduce.js';
import { repair } from '../../src/state/repair.js';
import { writeHold, writeState } from '../../src/state/store.js';
import { tryLock } from '../../src/system/flock.js';
import { aPackage, aRun, HOUR, NOON } from './site.js';
import { siteOfTest } from './site-of-test.js';

const warn = (message: string): void => expect.unreachable(message);

test('ends a run whose executor died, in state and history, and keeps one that lives', () => {
  const { layout } = siteOfTest(aPackage('dead'), aPackage('alive'), aPackage('orphan'), aPackage('stopped'));
  for (const id of ['dead', 'orphan', 'stopped']) {
    writeState(layout, runStarted(emptyState(id), aRun({ pid_start: 1 }), NOON));
  }
  writeState(layout, runStarted(emptyState('alive'), aRun(), NOON));
  writeFileSync(layout.stopFile('stopped'), '{"at":1,"by":"kim"}');
  writeFileSync(layout.waitingFile('dead'), '{}');
  const lock = tryLock(layout.runLock('orphan'));
  expect(repair(layout, NOON + HOUR, warn).lost).toEqual(['dead', 'stopped']);
  lock?.release();
  expect(state(layout, 'dead')).toMatchObject({
    run: null,
    last: { outcome: 'interrupted', ended: NOON + HOUR },
  });
  expect(state(layout, 'stopped')).toMatchObject({ run: null, last: { outcome: 'stopped' } });
  expect(state(layout, 'alive')).toHaveProperty('run.pid', process.pid);
  expect(state(layout, 'orphan')).toHaveProperty('run.pid', process.pid);
  expect(readFileSync(layout.historyFile('dead'), 'utf8')).toContain('"interrupted"');
  expect(existsSync(layout.stopFile('stopped'))).toBe(false);
  expect(existsSync(layout.waitingFile('dead'))).toBe(false);
  expect(repair(layout, NOON + HOUR, warn).lost).toEqual(['orphan']);
});

test('a run of another boot is dead even when its pid is in use', () => {
  const { layout } = siteOfTest(aPackage('debian'));
  writeState(layout, runStarted(emptyState('debian'), aRun({ boot_id: 'the one before' }), NOON));
  expect(repair(layout, NOON, warn).lost).toEqual(['debian']);
});

test('names holds that are over, for the caller to clear, and requests that nobody serves', () => {
  const { layout } = siteOfTest(aPackage('a'), aPackage('b'));
  for (const id of ['idle', 'busy', 'held', 'removed']) writeFileSync(layout.requestFile(id), '{}');
  for (const id of ['idle', 'busy', 'held']) writeFileSync(layout.job(id), '{}');
  writeState(layout, runStarted(emptyState('busy'), aRun(), NOON));
  writeHold(layout, 'held', { since: 0, until: null, by: 'kim', reason: null });
  writeHold(layout, 'over', { since: 0, until: NOON, by: 'kim', reason: null });
  expect(repair(layout, NOON, warn)).toMatchObject({ lost: [], released: ['over'], requested: ['idle'] });
});

test('leaves the temporary files of writers at work alone, and other people’s files for ever', () => {
  const { layout, site: applied } = siteOfTest(aPackage('debian'));
  const young = `${layout.state}/state/.debian.json.0123456789ab.tmp`;
  const theirs = `${dirname(applied.statusfile)}/.upload.0123456789ab.tmp`;
  for (const path of [young, theirs]) writeFileSync(path, '');
  repair(layout, Date.now(), warn);
  expect(existsSync(young)).toBe(true);
  repair(layout, Date.now() + 2 * HOUR, warn);
  expect(existsSync(young)).toBe(false);
  expect(existsSync(theirs)).toBe(true);
});

function state(layout: Layout, id: string): unknown {
  return JSON.parse(readFileSync(layout.stateFile(id), 'utf8'));
}
