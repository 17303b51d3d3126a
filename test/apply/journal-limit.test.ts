import { expect, test } from 'vitest';
import { writeJournal, type Journal } from '../../src/apply/journal.js';
import { prepareState } from '../../src/apply/prepare-state.js';
import { layout } from '../../src/job/layout.js';
import { memorySystem, type Node } from '../../src/system/memory.js';

const paths = layout('');
const file = (content: string): Node => ({ kind: 'file', mode: 0o644, content });

test('a journal that could not be read again is not written', () => {
  const content = 'x'.repeat(257 * 1024 * 1024);
  const before = { kind: 'file', mode: 0o644, content, uid: 0, gid: 0 } as const;
  const journal: Journal = {
    format: 'mirror/journal/3',
    root: '',
    places: [],
    state: { account: null, entries: [{ path: '/var/lib/mirror/x', before, after: { kind: 'absent' } }] },
    files: [],
    start: [],
    stop: [],
  };
  const system = memorySystem();
  expect(() => writeJournal(paths, journal, system)).toThrow('too large to be put back');
  expect(system.tree.size).toBe(0);
});

test('a file of the state that no reader would read is named, and stays', () => {
  const path = paths.baselineFile('debian');
  const system = memorySystem(new Map([[path, file('x'.repeat(2_000_000))]]));
  const wishes = {
    owners: { before: [], after: [] },
    renames: [],
    statfile: null,
    baselines: [{ id: 'debian', from: null, now: 1, freshDst: null }],
    hold: null,
    slots: [],
    machine: null,
  };
  expect(() => prepareState(wishes, paths, system)).toThrow(
    `${path} is larger than 1572864 bytes: mv -T -- ${path} `,
  );
});

test('a stat.json that is larger than any of mirror.py is named', () => {
  const path = '/srv/stat.json';
  const system = memorySystem(new Map([[path, file(' '.repeat(17 * 1024 * 1024))]]));
  const wishes = {
    owners: { before: [], after: [] },
    renames: [],
    statfile: { path, isFirst: false, ids: ['debian'] },
    baselines: [],
    hold: null,
    slots: [],
    machine: null,
  };
  expect(() => prepareState(wishes, paths, system)).toThrow(`${path} is larger than any stat.json`);
});
