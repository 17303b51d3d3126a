import { describe, expect, test } from 'vitest';
import type { Artifact } from '../../src/compile/artifact.js';
import { changes } from '../../src/plan/changes.js';
import { EMPTY_MANIFEST, manifestText, nextManifest, parseManifest } from '../../src/plan/manifest.js';
import type { Actual, Manifest } from '../../src/plan/plan.js';

const path = '/etc/systemd/system/mirror-sync-debian.timer';
const timer: Artifact = { kind: 'file', path, mode: 0o644, content: 'new\n', package: 'debian' };
const link: Artifact = { kind: 'link', path, target: '../a.timer', package: 'debian' };
const secret: Artifact = { ...timer, mode: 0o600, content: 'new\n', secret: true };

const wrote = (artifact: Artifact): Manifest => nextManifest(EMPTY_MANIFEST, [artifact], []);
const old = wrote({ ...timer, content: 'old\n' });
const file = (content: string, mode = 0o644): Actual => ({ kind: 'file', mode, content });
const absent: Actual = { kind: 'absent' };
const directory: Actual = { kind: 'other', what: 'directory' };
const unreadable: Actual = { kind: 'other', what: 'unreadable' };

/** wanted, written last, on disk → change */
const table: [string, Artifact | null, Manifest, Actual, string | null][] = [
  ['nothing there and nothing written', timer, EMPTY_MANIFEST, absent, 'create'],
  ['written, then removed by somebody', timer, old, absent, 'create'],
  ['as it was written', timer, old, file('old\n'), 'update'],
  ['as it should be', timer, wrote(timer), file('new\n'), 'unchanged'],
  ['as it should be, but not in the manifest', timer, EMPTY_MANIFEST, file('new\n'), 'unchanged'],
  ['edited', timer, old, file('edited\n'), 'drifted'],
  ['of another mode than written', timer, wrote(timer), file('new\n', 0o600), 'drifted'],
  ['somebody else’s file', timer, EMPTY_MANIFEST, file('old\n'), 'in-the-way'],
  ['a directory', timer, old, directory, 'in-the-way'],
  ['a link where we wrote a file', timer, old, { kind: 'link', target: '/x' }, 'drifted'],
  [
    'masked: somebody else’s link',
    timer,
    EMPTY_MANIFEST,
    { kind: 'link', target: '/dev/null' },
    'in-the-way',
  ],
  ['the link that we want', link, wrote(link), { kind: 'link', target: '../a.timer' }, 'unchanged'],
  ['a link that leads elsewhere', link, wrote(link), { kind: 'link', target: '/dev/null' }, 'drifted'],
  ['not wanted any more', null, old, file('old\n'), 'delete'],
  ['not wanted any more, and edited', null, old, file('edited\n'), 'drifted'],
  ['not wanted any more, and gone', null, old, absent, null],
  ['a secret of other content: it has no hash', secret, wrote(secret), file('older\n', 0o600), 'update'],
  ['a secret that a plan without root cannot read', secret, wrote(secret), unreadable, 'unchanged'],
  ['a new secret where a plan without root cannot look', secret, EMPTY_MANIFEST, unreadable, 'create'],
  ['a secret not wanted any more, seen without root', null, wrote(secret), unreadable, 'delete'],
];

describe('a path is', () => {
  test.each(table)('%s', (_, wanted, manifest, actual, kind) => {
    const found = changes(wanted ? [wanted] : [], manifest, () => actual);
    expect(found.map((change) => change.kind)).toEqual(kind === null ? [] : [kind]);
  });
});

describe('the manifest', () => {
  test('remembers mode and hash of files, targets of links, and of secrets only that they are ours', () => {
    expect(wrote(timer).entries[path]).toMatchObject({
      mode: '0644',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect(wrote(link).entries[path]).toEqual({ kind: 'link', package: 'debian', target: '../a.timer' });
    expect(wrote(secret).entries[path]).toEqual({
      kind: 'file',
      package: 'debian',
      mode: '0600',
      secret: true,
    });
  });

  test('stays the same value when nothing changes, and is a new one when an entry goes', () => {
    const manifest = wrote(timer);
    expect(nextManifest(manifest, [timer], [])).toBe(manifest);
    expect(nextManifest(manifest, [], []).entries).toEqual({});
  });

  test('is read back as it was written, and refused when it is not ours', () => {
    expect(parseManifest(manifestText(old))).toEqual(old);
    expect([parseManifest('{}'), parseManifest('[1'), parseManifest('null')]).toEqual([null, null, null]);
  });
});
