import { describe, expect, test } from 'vitest';
import type { NotifyRule } from '../../src/job/site-file.js';
import { noticeOf, type Incident } from '../../src/state/incident.js';
import { emptyState, type PackageState } from '../../src/state/package-state.js';
import { runEnded } from '../../src/state/reduce.js';
import { aRecord, HOUR, NOON } from './site.js';

const rule: NotifyRule = {
  after_failures: 2,
  command: ['/usr/local/bin/tell'],
  mail: 'admin@mirror.example.edu',
  sendmail: '/usr/sbin/sendmail',
  webhook: null,
  sender: 'unit',
};

/** A package that failed once an hour, so many times. */
function failed(times: number): PackageState {
  let state = runEnded(emptyState('debian'), aRecord('synced', NOON - HOUR));
  for (let i = 0; i < times; i++) state = runEnded(state, aRecord('failed', NOON + i * HOUR));
  return state;
}

const begun: Incident = { id: 'debian', since: NOON + HOUR, told: [], over: [] };

describe('an incident', () => {
  test('begins with so many errors in a row, and is named after the last of them', () => {
    expect(noticeOf(rule, failed(1), null, false)).toBeNull();
    const channels = ['command', 'mail'];
    expect(noticeOf(rule, failed(2), null, false)).toEqual({ event: 'failure', incident: begun, channels });
  });

  test('is told once through each channel, however long it goes on', () => {
    const told: Incident = { ...begun, told: ['command'] };
    expect(noticeOf(rule, failed(5), told, false)).toMatchObject({ event: 'failure', channels: ['mail'] });
    expect(noticeOf(rule, failed(5), { ...told, told: ['command', 'mail'] }, false)).toBeNull();
  });

  test('ends with the next success, told to whom it was told, once, and is then forgotten', () => {
    const well = runEnded(failed(2), aRecord('unchanged', NOON + 2 * HOUR));
    const told: Incident = { ...begun, told: ['mail'] };
    const recovery = { event: 'recovery', incident: told, channels: ['mail'] };
    expect(noticeOf(rule, well, told, false)).toEqual(recovery);
    expect(noticeOf(rule, well, { ...told, over: ['mail'] }, false)).toBe('forget');
    expect(noticeOf(rule, well, begun, false)).toBe('forget');
    // Also while it is held: whoever was told waits for the word.
    expect(noticeOf(rule, well, told, true)).toEqual(recovery);
    // What was told through a channel that the site has no more is nobody's to take back.
    expect(noticeOf({ ...rule, mail: null }, well, told, false)).toBe('forget');
  });

  test('does not end with a success before it', () => {
    expect(noticeOf(rule, failed(3), { ...begun, told: ['command', 'mail'] }, false)).toBeNull();
  });

  test('neither begins nor goes on while its operator holds the package', () => {
    expect(noticeOf(rule, failed(2), null, true)).toBeNull();
    expect(noticeOf(rule, failed(3), { ...begun, told: ['mail'] }, true)).toBeNull();
  });
});
