import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isError, isSuccess, type Outcome, type OutcomeKind } from '../../src/job/outcome.js';
import {
  emptyState,
  isPackageState,
  type PackageState,
  type RunRecord,
} from '../../src/state/package-state.js';
import { publishedStatus, renamed, runEnded, runLost, runPhase, runStarted } from '../../src/state/reduce.js';
import { aRecord, aRun, HOUR, NOON } from './site.js';

/** A package that succeeded an hour ago, failed half an hour ago, and now runs. */
const running: PackageState = {
  ...emptyState('debian'),
  run: aRun(),
  last: aRecord('failed', NOON - HOUR / 2),
  last_end: NOON - HOUR / 2,
  last_success: NOON - HOUR,
  last_success_log: '/log/old-success.log',
  last_full: NOON - HOUR,
  last_error: NOON - HOUR / 2,
  last_error_log: '/log/old-error.log',
  errors: 2,
  changed: NOON - 60_000,
  size: { files: 100, bytes: 5000 },
};

describe('the end of a run', () => {
  test.each<[OutcomeKind, Partial<PackageState>]>([
    ['synced', { errors: 0, last_error: null, last_success: NOON, last_full: NOON, last_end: NOON }],
    ['partial', { errors: 0, last_error: null, last_success: NOON, last_full: NOON - HOUR, last_end: NOON }],
    [
      'unchanged',
      { errors: 0, last_error: null, last_success: NOON, last_full: NOON - HOUR, last_end: NOON },
    ],
    ['incomplete', { errors: 2, last_error: NOON - HOUR / 2, last_success: NOON - HOUR, last_end: NOON }],
    ['failed', { errors: 3, last_error: NOON, last_success: NOON - HOUR, last_end: NOON }],
    ['timed-out', { errors: 3, last_error: NOON, last_success: NOON - HOUR, last_end: NOON }],
    ['blocked', { errors: 3, last_error: NOON, last_success: NOON - HOUR, last_end: NOON }],
    ['stopped', { errors: 2, last_error: NOON - HOUR / 2, last_success: NOON - HOUR, last_end: NOON }],
    [
      'interrupted',
      { errors: 2, last_error: NOON - HOUR / 2, last_success: NOON - HOUR, last_end: NOON - HOUR / 2 },
    ],
  ])('%s', (outcome, expected) => {
    const record = aRecord(outcome, NOON);
    const state = runEnded(running, record);
    expect(state).toMatchObject({ ...expected, run: null, last: record });
    expect(isPackageState(state, 'debian')).toBe(true);
  });

  test.each<OutcomeKind>(['busy', 'not-due', 'held'])('%s leaves no trace', (outcome) => {
    expect(runEnded(running, aRecord(outcome, NOON))).toBe(running);
  });

  test('records what a full pass learnt, and keeps it when a later run learnt nothing', () => {
    const dst = { path: '/srv/ftp/debian', dev: 7, boot_id: 'b' };
    const full = runEnded(running, aRecord('synced', NOON), { size: { files: 7, bytes: null }, dst });
    expect(full).toMatchObject({ size: { files: 7, bytes: null }, dst });
    expect(runEnded(full, aRecord('unchanged', NOON + HOUR))).toMatchObject({ size: { files: 7 }, dst });
  });

  test('keeps the last log of each kind when a run kept none', () => {
    expect(runEnded(running, aRecord('unchanged', NOON, { log: null })).last_success_log).toBe(
      '/log/old-success.log',
    );
    expect(runEnded(running, aRecord('failed', NOON, { log: null })).last_error_log).toBe(
      '/log/old-error.log',
    );
    expect(runEnded(running, aRecord('failed', NOON)).last_error_log).toBe(
      '/var/log/mirror/packages/failed.log',
    );
  });
});

describe('the latch of the delete guard', () => {
  const tripped = runEnded(running, aRecord('blocked', NOON, { reason: '30000 deletions' }), {
    tripped: 20000,
  });

  test('closes when the guard trips, and stays as it was while later runs find it closed', () => {
    expect(tripped.blocked).toEqual({ since: NOON, limit: 20000, reason: '30000 deletions' });
    expect(runEnded(tripped, aRecord('blocked', NOON + HOUR)).blocked).toEqual(tripped.blocked);
    expect(runEnded(tripped, aRecord('failed', NOON + HOUR)).blocked).toEqual(tripped.blocked);
    expect(runEnded(tripped, aRecord('unchanged', NOON + HOUR)).blocked).toEqual(tripped.blocked);
  });

  test('closes even when nobody said how many deletions it would have allowed', () => {
    expect(runEnded(running, aRecord('blocked', NOON)).blocked).toMatchObject({ since: NOON, limit: 0 });
  });

  test('opens after a whole pass', () => {
    expect(runEnded(tripped, aRecord('synced', NOON + HOUR)).blocked).toBeNull();
    expect(runEnded(tripped, aRecord('partial', NOON + HOUR)).blocked).toBeNull();
  });
});

describe('the time of the last change of status', () => {
  const ok = runEnded(emptyState('debian'), aRecord('synced', NOON));

  test('moves when the published status changes, and only then', () => {
    expect(ok.changed).toBe(NOON);
    expect(runEnded(ok, aRecord('unchanged', NOON + HOUR)).changed).toBe(NOON);
    const waiting = runStarted(ok, aRun({ phase: 'waiting' }), NOON + 1);
    expect(waiting.changed).toBe(NOON);
    const syncing = runPhase(waiting, { phase: 'running', src: 'rsync://x/' }, NOON + 2);
    expect(syncing).toMatchObject({ changed: NOON + 2, run: { phase: 'running', src: 'rsync://x/' } });
    expect(runPhase(syncing, { log: '/log/x' }, NOON + 3).changed).toBe(NOON + 2);
    expect(runEnded(syncing, aRecord('failed', NOON + 4)).changed).toBe(NOON + 4);
  });

  test('a run that sleeps before a retry shows the error, not SYNC', () => {
    const failed = runEnded(runStarted(ok, aRun(), NOON + 1), aRecord('failed', NOON + 2));
    const retrying = runStarted(failed, aRun({ phase: 'retrying', until: NOON + HOUR }), NOON + 2);
    expect(publishedStatus(retrying)).toBe('ERROR');
  });
});

describe('a run whose executor died', () => {
  test('is interrupted: no error, its slot stays due, its log is known', () => {
    const lost = runLost(running, NOON);
    expect(lost).toMatchObject({ run: null, errors: 2, last_end: NOON - HOUR / 2 });
    expect(lost.last).toMatchObject({
      outcome: 'interrupted',
      ended: NOON,
      log: '/var/log/mirror/packages/now.log',
    });
  });

  test('is stopped when it was told to', () => {
    expect(runLost(running, NOON, 'stopped')).toMatchObject({ last: { outcome: 'stopped' }, last_end: NOON });
  });

  test('that is no run changes nothing', () => {
    const idle = emptyState('debian');
    expect(runLost(idle, NOON)).toBe(idle);
    expect(runPhase(idle, { phase: 'running' }, NOON)).toBe(idle);
  });
});

test('a renamed package takes its history along, but not a run under the old name', () => {
  expect(renamed(running, 'debian-archive')).toEqual({ ...running, id: 'debian-archive', run: null });
});

const KINDS: readonly OutcomeKind[] = [
  'synced',
  'unchanged',
  'partial',
  'incomplete',
  'failed',
  'timed-out',
  'interrupted',
  'stopped',
  'blocked',
];

test('over any sequence of runs the counts are what the outcomes say', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...KINDS), { maxLength: 30 }), (kinds) => {
      let state = emptyState('debian');
      let errors = 0;
      let success: number | null = null;
      kinds.forEach((kind, i) => {
        const started = NOON + i * HOUR;
        state = runStarted(state, aRun({ started }), started);
        const record: RunRecord = aRecord(kind, started + 60_000);
        const before = state;
        state = runEnded(state, record);
        const outcome = { kind } as Outcome;
        errors = isSuccess(outcome) ? 0 : errors + (isError(outcome) ? 1 : 0);
        if (isSuccess(outcome)) success = record.ended;
        expect(state).toMatchObject({ run: null, errors, last_success: success });
        expect(state.last_error === null).toBe(errors === 0);
        expect(state.last_end ?? 0).toBeGreaterThanOrEqual(before.last_end ?? 0);
        expect(state.changed).toBeGreaterThanOrEqual(before.changed);
        expect(publishedStatus(state) === 'ACTIVE').toBe(
          errors === 0 && success !== null && state.blocked === null,
        );
        expect(isPackageState(state, 'debian')).toBe(true);
      });
    }),
    { numRuns: 300 },
  );
});
