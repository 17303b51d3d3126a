import { applyPatch } from 'diff';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { edits } from '../../src/plan/edits.js';
import { patch, unified } from '../../src/plan/patch.js';

describe('a unified diff', () => {
  test('shows the changed line with three lines around it', () => {
    const lines = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((line) => `${line}\n`);
    expect(unified('/etc/x', lines.join(''), lines.join('').replace('e\n', 'E\n'))).toBe(
      [
        '--- /etc/x',
        '+++ /etc/x',
        '@@ -2,7 +2,7 @@',
        ' b',
        ' c',
        ' d',
        '-e',
        '+E',
        ' f',
        ' g',
        ' h',
        '',
      ].join('\n'),
    );
  });

  test('is what patch needs to make the new file, whatever the two hold', () => {
    const text = fc.oneof(
      fc.constant(''),
      fc.array(fc.constantFrom('a\n', 'b\n', 'c\n', '\n'), { maxLength: 40 }).map((lines) => lines.join('')),
      fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 9 }).map((lines) => lines.join('\n')),
    );
    fc.assert(
      fc.property(text, text, (before, after) => {
        expect(applyPatch(before, unified('file', before, after), { fuzzFactor: 0 })).toBe(after);
      }),
      { numRuns: 500 },
    );
  });
});

describe('edits of large files', () => {
  const crontab = Array.from({ length: 10_000 }, (_, i) => `${i % 60} * * * * root mirror run ${i}\n`);

  test('a change of every line replaces the whole, and every other line stays found', () => {
    const all = edits(
      crontab,
      crontab.map((line) => `# ${line}`),
    );
    expect(all.map(({ kind, lines }) => [kind, lines.length])).toEqual([
      ['remove', 10_000],
      ['add', 10_000],
    ]);
    const half = edits(
      crontab,
      crontab.map((line, i) => (i % 2 ? line : `# ${line}`)),
    );
    const count = (kind: string): number =>
      half.filter((edit) => edit.kind === kind).reduce((sum, edit) => sum + edit.lines.length, 0);
    expect([count('keep'), count('remove'), count('add')]).toEqual([5_000, 5_000, 5_000]);
  });

  test('keeps together what each side had', () => {
    const line = fc.constantFrom('a', 'b', 'c', 'd');
    fc.assert(
      fc.property(fc.array(line), fc.array(line), (before, after) => {
        const all = edits(before, after);
        expect(all.filter(({ kind }) => kind !== 'add').flatMap(({ lines }) => lines)).toEqual(before);
        expect(all.filter(({ kind }) => kind !== 'remove').flatMap(({ lines }) => lines)).toEqual(after);
      }),
    );
  });
});

describe('what is never shown', () => {
  const secret = {
    kind: 'file',
    path: '/s',
    mode: 0o600,
    content: 'hunter2',
    package: 'ctan',
    secret: true,
  } as const;

  test('a secret is named, its content is not', () => {
    const created = patch({ kind: 'create', path: '/s', package: 'ctan', secret: true, after: secret });
    expect(created).toBe('# /s: a secret, not shown\n');
    const before = { kind: 'file', mode: 0o600, content: 'hunter2' } as const;
    expect(patch({ kind: 'delete', path: '/s', package: 'ctan', secret: true, before })).not.toContain(
      'hunter2',
    );
  });

  test('a mode alone is one line', () => {
    const after = { kind: 'file', path: '/f', mode: 0o644, content: 'x\n', package: null } as const;
    const before = { kind: 'file', mode: 0o600, content: 'x\n' } as const;
    expect(patch({ kind: 'update', path: '/f', package: null, before, after })).toBe(
      '# /f: mode 0600 → 0644\n',
    );
  });

  test('a link is a file that holds its target', () => {
    const after = { kind: 'link', path: '/w/a.timer', target: '../a.timer', package: 'a' } as const;
    expect(patch({ kind: 'create', path: '/w/a.timer', package: 'a', after })).toBe(
      '--- /dev/null\n+++ /w/a.timer\n@@ -0,0 +1,1 @@\n+../a.timer\n\\ No newline at end of file\n',
    );
  });
});
