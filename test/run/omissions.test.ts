import { expect, test } from 'vitest';
import type { Omission } from '../../src/job/omission.js';
import { tell } from '../../src/run/report.js';
import { omission } from '../../src/run/special/omissions.js';
import { emptyState, isRunRecord } from '../../src/state/package-state.js';
import type { RunRecord } from '../../src/state/package-state.js';
import { runEnded } from '../../src/state/reduce.js';

const REFUSED = omission('refused', { count: 5, names: ['a', 'b\u001b[2J', 'c', 'd'], why: 'HTTP 403' });

function record(outcome: RunRecord['outcome'], omissions?: readonly Omission[]): RunRecord {
  const times = { started: 1000, ended: 2000 };
  const rest = {
    failure: null,
    reason: null,
    exit: 0,
    trigger: 'request',
    src: null,
    log: null,
    transfer: null,
  };
  return { outcome, ...times, ...rest, ...(omissions ? { omissions } : {}) } as RunRecord;
}

test('an omission names three of what it counts, as plain text', () => {
  expect(REFUSED[0]?.text).toBe('upstream refused 5 files (HTTP 403): a, b?[2J, c, …');
  expect(omission('deletions', { count: null, why: 'upstream was not read whole' })[0]?.text).toBe(
    'deletions were skipped (upstream was not read whole)',
  );
  expect(omission('unread', { count: 1, names: ['x/'] })[0]?.text).toBe('1 directory was not read: x/');
  expect(omission('closed', { count: 0 })).toEqual([]);
});

test("a run's last line says what it did not do", () => {
  expect(tell({ kind: 'synced' }, record('synced', REFUSED), 'UTC')).toBe(
    'synced (1.0 s); upstream refused 5 files (HTTP 403): a, b?[2J, c, …',
  );
});

test('omissions stay in the state until a pass went to its end without them', () => {
  const after = runEnded(emptyState('a'), record('synced', REFUSED));
  expect(after.omissions).toEqual(REFUSED);
  expect(runEnded(after, record('unchanged')).omissions).toEqual(REFUSED);
  expect(runEnded(after, record('failed')).omissions).toEqual(REFUSED);
  expect(runEnded(after, record('synced')).omissions).toBeUndefined();
});

test('a record whose omissions are no texts is not read', () => {
  expect(isRunRecord(record('synced', REFUSED))).toBe(true);
  expect(isRunRecord({ ...record('synced'), omissions: [{ text: 1 }] })).toBe(false);
  expect(isRunRecord({ ...record('synced'), omissions: 'x' })).toBe(false);
});
