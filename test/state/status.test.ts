import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OutcomeKind } from '../../src/job/outcome.js';
import { emptyState, type Hold, type PackageState } from '../../src/state/package-state.js';
import { runEnded, runStarted } from '../../src/state/reduce.js';
import { view, type Facts, type Word } from '../../src/state/status.js';
import { aPackage, aRecord, aRun, HOUR, NOON } from './site.js';

const debian = aPackage('debian');
const never = emptyState('debian');
const ok = runEnded(never, aRecord('synced', NOON - HOUR));
const failed = runEnded(ok, aRecord('failed', NOON - HOUR / 2, { reason: 'connection refused' }));
const blocked = runEnded(ok, aRecord('blocked', NOON - HOUR / 2, { reason: '30000 deletions' }), {
  tripped: 20000,
});
const hold: Hold = { since: NOON - 60_000, until: null, by: 'kim', reason: 'new disk' };
const facts: Facts = { hold: null, unreadable: null, alive: false, dstExists: false, baseline: null };

function running(state: PackageState, phase: 'running' | 'waiting' | 'retrying'): PackageState {
  return runStarted(state, aRun({ phase }), NOON - 60_000);
}

describe('the word and the published status', () => {
  test.each<[string, PackageState, Partial<Facts>, Word, string]>([
    ['nothing known', never, {}, 'never ran', 'UNKNOWN'],
    ['a success', ok, {}, 'ok', 'ACTIVE'],
    ['a warning that is a success', runEnded(never, aRecord('partial', NOON)), {}, 'ok', 'ACTIVE'],
    ['a failure after a success', failed, {}, 'failed', 'ERROR'],
    ['a time limit', runEnded(ok, aRecord('timed-out', NOON)), {}, 'timed-out', 'ERROR'],
    ['a tripped guard', blocked, {}, 'blocked', 'ERROR'],
    ['a stop after a success', runEnded(ok, aRecord('stopped', NOON)), {}, 'stopped', 'ACTIVE'],
    [
      'an interruption after a failure',
      runEnded(failed, aRecord('interrupted', NOON)),
      {},
      'interrupted',
      'ERROR',
    ],
    ['an interrupted first run', runEnded(never, aRecord('interrupted', NOON)), {}, 'interrupted', 'UNKNOWN'],
    ['accepted exits after a success', runEnded(ok, aRecord('incomplete', NOON)), {}, 'incomplete', 'ACTIVE'],
    ['accepted exits only', runEnded(never, aRecord('incomplete', NOON)), {}, 'incomplete', 'UNKNOWN'],
    ['a living sync', running(failed, 'running'), { alive: true }, 'syncing', 'SYNC'],
    ['a sync whose executor died', running(ok, 'running'), { alive: false }, 'interrupted', 'ACTIVE'],
    [
      'a first sync whose executor died',
      running(never, 'running'),
      { alive: false },
      'interrupted',
      'UNKNOWN',
    ],
    ['a run that waits for a slot', running(ok, 'waiting'), { alive: true }, 'waiting', 'ACTIVE'],
    ['a first run that waits', running(never, 'waiting'), { alive: true }, 'waiting', 'UNKNOWN'],
    ['a run that will try again', running(failed, 'retrying'), { alive: true }, 'retrying', 'ERROR'],
    ['a hold', ok, { hold }, 'held', 'UNKNOWN'],
    ['a hold during a sync', running(ok, 'running'), { hold, alive: true }, 'syncing', 'SYNC'],
    ['a hold over a block', blocked, { hold }, 'held', 'UNKNOWN'],
  ])('%s', (_, state, known, word, published) => {
    expect(view(debian, state, { ...facts, ...known }, NOON)).toMatchObject({ word, published });
  });

  test('a disabled package is UNKNOWN, unless its last sync still runs', () => {
    const disabled = aPackage('debian', { disabled: true });
    expect(view(disabled, ok, facts, NOON)).toMatchObject({ word: 'disabled', published: 'UNKNOWN' });
    const alive = { ...facts, alive: true };
    expect(view(disabled, running(ok, 'running'), alive, NOON)).toMatchObject({ published: 'SYNC' });
  });

  test('a tree of our own without a schedule is ACTIVE while it is there', () => {
    const own = aPackage('own', { synctype: 'local', syncrate: '', src: '', stale_after: null });
    expect(view(own, emptyState('own'), { ...facts, dstExists: true }, NOON).published).toBe('ACTIVE');
    expect(view(own, emptyState('own'), facts, NOON).published).toBe('UNKNOWN');
    // Also when a run, or mirror.py, once said that all was well.
    const synced = { ...ok, id: 'own' };
    expect(view(own, synced, facts, NOON)).toMatchObject({
      published: 'ERROR',
      reason: `${own.dst} is missing`,
    });
    expect(view(own, synced, { ...facts, dstExists: true }, NOON).published).toBe('ACTIVE');
    expect(view(own, emptyState('own'), { ...facts, dstExists: true, hold }, NOON).published).toBe('UNKNOWN');
    const rsync = aPackage('own', { syncrate: '', stale_after: null });
    expect(view(rsync, emptyState('own'), { ...facts, dstExists: true }, NOON).published).toBe('UNKNOWN');
  });

  test('what the reason says: who holds and why, what failed', () => {
    const until = Date.UTC(2026, 10, 23);
    expect(view(debian, ok, { ...facts, hold: { ...hold, until } }, NOON)).toMatchObject({
      reason: 'by kim until 2026-11-23T00:00:00.000Z: new disk',
      since: hold.since,
    });
    expect(view(debian, failed, facts, NOON).reason).toBe('connection refused');
  });
});

describe('staleness', () => {
  const day = 24 * HOUR;

  test('begins when the last success is older than stale_after', () => {
    const at = NOON - HOUR + day;
    expect(view(debian, ok, facts, at)).toMatchObject({ word: 'ok', published: 'ACTIVE', stale: false });
    expect(view(debian, ok, facts, at + 1)).toMatchObject({
      word: 'stale',
      published: 'ERROR',
      since: at,
      stale: true,
    });
  });

  test('counts from the baseline for a package that never succeeded', () => {
    const known = { ...facts, baseline: NOON };
    expect(view(debian, never, known, NOON + day)).toMatchObject({ word: 'never ran', published: 'UNKNOWN' });
    expect(view(debian, never, known, NOON + day + 1)).toMatchObject({ word: 'stale', published: 'ERROR' });
  });

  test('does not hide behind a run that waits, was stopped, or accepts exits', () => {
    const late = NOON + 2 * day;
    for (const state of [running(ok, 'waiting'), runEnded(ok, aRecord('incomplete', NOON))]) {
      expect(view(debian, state, { ...facts, alive: true }, late).published).toBe('ERROR');
    }
    expect(view(debian, runEnded(ok, aRecord('stopped', NOON)), facts, late).word).toBe('stale');
  });

  test('a package without a limit never gets stale', () => {
    expect(view(aPackage('debian', { stale_after: null }), ok, facts, NOON + 999 * day).published).toBe(
      'ACTIVE',
    );
  });

  test('a success that a wrong clock dated into the future proves nothing', () => {
    const ahead = runEnded(never, aRecord('synced', NOON + day));
    expect(view(debian, ahead, facts, NOON)).toMatchObject({ word: 'stale', published: 'ERROR' });
    const slightly = runEnded(never, aRecord('synced', NOON + 5_000));
    expect(view(debian, slightly, facts, NOON).published).toBe('ACTIVE');
  });
});

test('held, disabled, blocked and stale packages are never ACTIVE, and SYNC is a run that lives', () => {
  const kinds: OutcomeKind[] = [
    'synced',
    'unchanged',
    'partial',
    'incomplete',
    'failed',
    'blocked',
    'interrupted',
  ];
  const pkg = fc.record({
    disabled: fc.boolean(),
    stale_after: fc.constantFrom(null, 3600, 86_400),
    synctype: fc.constantFrom('rsync', 'local'),
    syncrate: fc.constantFrom('', 'PT1H'),
  });
  const known = fc.record({
    hold: fc.constantFrom(null, hold),
    unreadable: fc.constantFrom(null, '/state/debian.json is a directory'),
    alive: fc.boolean(),
    dstExists: fc.boolean(),
    baseline: fc.constantFrom(null, NOON - 48 * HOUR),
  });
  const runs = fc.array(fc.constantFrom(...kinds), { maxLength: 5 });
  const phase = fc.constantFrom(null, 'running' as const, 'waiting' as const, 'retrying' as const);
  const age = fc.integer({ min: 0, max: 60 });
  fc.assert(
    fc.property(pkg, known, runs, phase, age, (change, told, outcomes, now, hours) => {
      const ended = outcomes.reduce((state, kind, i) => runEnded(state, aRecord(kind, NOON + i)), never);
      const state = now === null ? ended : running(ended, now);
      const seen = view(aPackage('debian', change), state, told, NOON + hours * HOUR);
      const lives = told.alive && now === 'running';
      expect(seen.published === 'SYNC').toBe(lives);
      expect(seen.run !== null).toBe(told.alive && now !== null);
      if (change.disabled || told.hold || told.unreadable !== null || state.blocked || seen.stale)
        expect(seen.published).not.toBe('ACTIVE');
      if (seen.published === 'ACTIVE') expect(state.errors).toBe(0);
    }),
    { numRuns: 2000 },
  );
});
