import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Layout } from '../../src/job/layout.js';
import { appendHistory, readHistory } from '../../src/state/history.js';
import { emptyState, type PackageState } from '../../src/state/package-state.js';
import { markDirty } from '../../src/state/publish.js';
import { readState } from '../../src/state/mend-state.js';
import * as store from '../../src/state/store.js';
import { aRecord, aRun, makeSite, NOON } from './site.js';

let layout: Layout;
let warnings: string[];
const warn = (message: string): void => void warnings.push(message);

beforeEach(() => {
  layout = makeSite([]).layout;
  warnings = [];
});
afterEach(() => rmSync(layout.root, { recursive: true }));

describe('a state file', () => {
  const state: PackageState = {
    ...emptyState('debian'),
    run: aRun(),
    last: aRecord('synced', NOON),
    size: { files: 3, bytes: 1 },
    dst: { path: '/srv', dev: 1, boot_id: 'b' },
    blocked: { since: NOON, limit: 4, reason: 'r' },
  };

  test('reads back as it was written, and the shared group may write it', () => {
    store.writeState(layout, state);
    expect(readState(layout, 'debian', warn)).toEqual(state);
    expect(statSync(layout.stateFile('debian')).mode & 0o777).toBe(0o664);
  });

  test('of an older version, which also wrote its tool’s process group, is read', () => {
    const older = { ...state, run: { ...aRun(), group: 4711, group_start: 12 } };
    writeFileSync(layout.stateFile('debian'), JSON.stringify(older));
    expect(readState(layout, 'debian', warn)).toMatchObject(state);
    expect(warnings).toEqual([]);
  });

  test('that is missing is an empty state', () => {
    expect(readState(layout, 'debian', warn)).toEqual(emptyState('debian'));
    expect(warnings).toEqual([]);
  });

  test.each([
    ['empty', ''],
    ['cut short', '{"format":"mirror/state/1","id":"debian","run":nul'],
    ['binary', '\0\u{1}\u{2}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['of another format', '{"format":"mirror/state/2","id":"debian"}'],
    ['of another package', '{"format":"mirror/state/1","id":"ubuntu"}'],
    ['with a count that is text', '{"format":"mirror/state/1","id":"debian","errors":"many"}'],
    ['with a run that is half there', '{"format":"mirror/state/1","id":"debian","run":{"phase":"running"}}'],
    ['with a time that no clock can show', '{"format":"mirror/state/1","id":"debian","last_success":1e300}'],
    [
      'with a reason that is no text',
      '{"format":"mirror/state/1","id":"debian","blocked":{"since":1,"limit":1}}',
    ],
    ['with nothing where a run may be', '{"format":"mirror/state/1","id":"debian","run":7,"last":{}}'],
  ])('that is %s is moved aside with a warning', (_, text) => {
    writeFileSync(layout.stateFile('debian'), text);
    expect(store.peekState(layout, 'debian')).toEqual(emptyState('debian'));
    expect(existsSync(layout.stateFile('debian'))).toBe(true);
    expect(readState(layout, 'debian', warn)).toEqual(emptyState('debian'));
    expect(readFileSync(`${layout.stateFile('debian')}.corrupt`, 'utf8')).toBe(text);
    expect(warnings).toEqual([expect.stringContaining('state of debian was unreadable')]);
    expect(store.idsIn(layout, 'state')).toEqual([]);
  });

  test('that is a directory is moved aside too', () => {
    mkdirSync(layout.stateFile('debian'));
    expect(readState(layout, 'debian', warn)).toEqual(emptyState('debian'));
    expect(warnings).toHaveLength(1);
  });

  test('from before a field existed is filled in', () => {
    writeFileSync(layout.stateFile('debian'), '{"format":"mirror/state/1","id":"debian","errors":2}');
    expect(readState(layout, 'debian', warn)).toEqual({ ...emptyState('debian'), errors: 2 });
  });
});

describe('a hold', () => {
  test('is in force until its end, or until it is removed', () => {
    const hold = { since: NOON, until: NOON + 1000, by: 'kim', reason: null };
    store.writeHold(layout, 'debian', hold);
    expect(store.readHold(layout, 'debian', NOON + 999)).toEqual(hold);
    expect(store.readHold(layout, 'debian', NOON + 1000)).toBeNull();
    store.writeHold(layout, 'debian', { ...hold, until: null });
    expect(store.readHold(layout, 'debian', NOON * 2)).not.toBeNull();
    expect(store.clearHold(layout, 'debian')).toBe(true);
    expect(store.clearHold(layout, 'debian')).toBe(false);
    expect(store.readHold(layout, 'debian', NOON)).toBeNull();
  });

  test.each([
    'reason: new disk',
    '{}',
    '{"since":0,"until":"tomorrow","by":"kim","reason":null}',
    '{"since":0,"until":1e300,"by":"kim","reason":null}',
    '{"since":1e999,"until":1,"by":"kim","reason":null}',
    '{"since":0,"until":1,"by":"kim","reason":{}}',
  ])('that nobody can read still holds: %s', (text) => {
    writeFileSync(layout.holdFile('debian'), text);
    expect(store.readHold(layout, 'debian', NOON)).toMatchObject({
      until: null,
      reason: 'unreadable hold file',
    });
  });
});

describe('a request', () => {
  test('is taken once', () => {
    const request = { at: NOON, by: 'kim', allow_deletes: null };
    expect(store.takeRequest(layout, 'debian')).toBeNull();
    store.writeRequest(layout, 'debian', request);
    expect(store.readRequest(layout, 'debian')).toEqual(request);
    expect(store.takeRequest(layout, 'debian')).toEqual(request);
    expect(store.takeRequest(layout, 'debian')).toBeNull();
  });

  test('does not take back the deletions that an earlier one allowed', () => {
    store.writeRequest(layout, 'debian', { at: NOON, by: 'kim', allow_deletes: 500 });
    store.writeRequest(layout, 'debian', { at: NOON + 1, by: 'push', allow_deletes: null });
    expect(store.takeRequest(layout, 'debian')).toEqual({ at: NOON + 1, by: 'push', allow_deletes: 500 });
  });

  test.each(['', '{}', '{"at":1,"by":"kim","allow_deletes":"all"}', '{"at":1,"words":{}}'])(
    'that nobody can read still asks for a run: %s',
    (text) => {
      writeFileSync(layout.requestFile('debian'), text);
      store.writeRequest(layout, 'debian', { at: NOON, by: 'kim', allow_deletes: null, words: ['all'] });
      expect(store.takeRequest(layout, 'debian')).toMatchObject({ allow_deletes: null, words: ['all'] });
    },
  );
});

test('a stop is there until it is obeyed', () => {
  expect(store.readStop(layout, 'debian')).toBeNull();
  store.writeStop(layout, 'debian', { at: NOON, by: 'kim' });
  expect(store.readStop(layout, 'debian')).toEqual({ at: NOON, by: 'kim' });
  writeFileSync(layout.stopFile('debian'), '{"by":{}}');
  expect(store.readStop(layout, 'debian')).toEqual({ at: 0, by: 'unknown' });
  store.clearStop(layout, 'debian');
  store.clearStop(layout, 'debian');
  expect(store.readStop(layout, 'debian')).toBeNull();
});

test('a baseline is read as apply writes it, and rubbish is none', () => {
  writeFileSync(layout.baselineFile('debian'), JSON.stringify({ at: NOON }));
  expect(store.readBaseline(layout, 'debian')).toBe(NOON);
  writeFileSync(layout.baselineFile('debian'), '{"at":"soon"}');
  expect(store.readBaseline(layout, 'debian')).toBeNull();
});

describe('the history', () => {
  test('grows by a line for each run', () => {
    const records = [aRecord('synced', NOON), aRecord('failed', NOON + 1)];
    for (const record of records) appendHistory(layout, 'debian', record);
    expect(readHistory(layout, 'debian')).toEqual(records);
    expect(readHistory(layout, 'ubuntu')).toEqual([]);
    expect(statSync(layout.historyFile('debian')).mode & 0o777).toBe(0o664);
  });

  test('does not follow a symbolic link that the mirror user could plant for root', () => {
    const target = `${layout.root}/target`;
    symlinkSync(target, layout.historyFile('debian'));
    appendHistory(layout, 'debian', aRecord('synced', NOON));
    expect(readHistory(layout, 'debian')).toEqual([aRecord('synced', NOON)]);
    expect(readlinkSync(`${layout.historyFile('debian')}.corrupt`)).toBe(target);
    symlinkSync(target, layout.dirtyMarker);
    markDirty(layout);
    expect(existsSync(target)).toBe(false);
  });

  test('is read and cut back from its end, whatever it has grown to', () => {
    const path = layout.historyFile('debian');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 31);
    appendHistory(layout, 'debian', aRecord('failed', NOON));
    expect(readHistory(layout, 'debian')).toEqual([aRecord('failed', NOON)]);
    expect(statSync(path).size).toBeLessThan(2 ** 20);
  });

  test('survives a line that a power failure tore', () => {
    appendHistory(layout, 'debian', aRecord('synced', NOON));
    appendFileSync(layout.historyFile('debian'), '{"outcome":"fai');
    appendHistory(layout, 'debian', aRecord('unchanged', NOON + 1));
    expect(readHistory(layout, 'debian').map(({ outcome }) => outcome)).toEqual(['synced', 'unchanged']);
  });

  test('is of whole runs', () => {
    const lines = [{ ended: NOON }, { ...aRecord('synced', NOON), ended: 1e300 }, aRecord('failed', NOON)];
    appendFileSync(layout.historyFile('debian'), lines.map((line) => JSON.stringify(line)).join('\n'));
    expect(readHistory(layout, 'debian')).toEqual(lines.slice(2));
  });

  test('keeps about the last thousand runs, however long their reasons', () => {
    const reason = 'x'.repeat(200);
    for (let i = 0; i < 2500; i++) appendHistory(layout, 'debian', aRecord('failed', NOON + i, { reason }));
    const kept = readHistory(layout, 'debian');
    expect(kept.length).toBeGreaterThan(600);
    expect(kept.length).toBeLessThanOrEqual(1000);
    expect(kept.at(-1)?.ended).toBe(NOON + 2499);
    expect(statSync(layout.historyFile('debian')).size).toBeLessThan(1_000_000);
    for (let i = 0; i < 30; i++)
      appendHistory(layout, 'debian', aRecord('failed', i, { reason: 'y'.repeat(100_000) }));
    expect(statSync(layout.historyFile('debian')).size).toBeLessThan(1_100_000);
  });
});

test('a record that could not be read again is not written', () => {
  const state = { ...emptyState('a'), last: aRecord('failed', NOON, { reason: 'x'.repeat(2 << 20) }) };
  expect(() => store.writeState(layout, state)).toThrow('would be too large');
  expect(existsSync(layout.stateFile('a'))).toBe(false);
});
