import { describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.js';
import { frame } from '../../src/diagnostics/frame.js';
import { renderGitHub } from '../../src/diagnostics/github.js';
import { ordered } from '../../src/diagnostics/order.js';
import { countText, renderHuman, toJson } from '../../src/diagnostics/render.js';
import { editDistance, nearest } from '../../src/diagnostics/suggest.js';

function diagnostic(extra: Partial<Diagnostic> = {}): Diagnostic {
  return {
    code: 'unknown-method',
    severity: 'error',
    message: 'unknown sync method `rsnyc`',
    help: 'did you mean `rsync`?',
    place: { file: '/etc/mirror/config.json', pointer: '/packages/debian/synctype', target: 'value' },
    span: { line: 14, column: 13, length: 7, text: '  "synctype": "rsnyc",' },
    ...extra,
  };
}

describe('did you mean', () => {
  test.each([
    ['rsnyc', 'rsync'],
    ['syncRate', 'syncrate'],
    ['optoins', 'options'],
    ['guard.deletes', null],
    ['x', null],
    ['completely-different', null],
  ])('%s: %s', (word, guess) => expect(nearest(word, ['rsync', 'syncrate', 'options', 'guard'])).toBe(guess));

  test('a swap of neighbours is one slip', () => {
    expect(editDistance('rsnyc', 'rsync')).toBe(1);
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('kitten', 'sitting')).toBe(3);
  });
});

describe('for people', () => {
  test('what, where with the source underlined, how to fix it', () => {
    expect(renderHuman([diagnostic()], { color: false })).toBe(
      [
        'error[unknown-method]: unknown sync method `rsnyc`',
        '  /etc/mirror/config.json:14:13',
        '  14 |   "synctype": "rsnyc",',
        '     |             ^^^^^^^',
        '  help: did you mean `rsync`?',
        '',
        '',
      ].join('\n'),
    );
  });

  test('colour is only added', () => {
    const plain = renderHuman([diagnostic(), diagnostic({ severity: 'warning' })], { color: false });
    const colored = renderHuman([diagnostic(), diagnostic({ severity: 'warning' })], { color: true });
    expect(colored).not.toBe(plain);

    expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(plain);
  });

  test('a hundred are shown, the rest is counted', () => {
    const many = Array.from({ length: 250 }, (_, i) => diagnostic({ message: `number ${i}` }));
    const text = renderHuman(many, { color: false });
    expect(text).toContain('number 99');
    expect(text).not.toContain('number 100');
    expect(text).toMatch(/and 150 more errors\n/);
    expect(toJson(many).diagnostics).toHaveLength(250);
  });

  test('GitHub is shown a hundred, and told of the rest by severity', () => {
    const many = Array.from({ length: 48_000 }, (_, i) =>
      diagnostic({ message: `number ${i}`, severity: i < 47_999 ? 'error' : 'warning' }),
    );
    const lines = renderGitHub(many, '/etc').trimEnd().split('\n');
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toBe('::notice title=more::and 47,899 more errors, 1 more warning');
  });

  test('counts', () => {
    expect(countText([])).toBe('0 errors, 0 warnings');
    expect(countText([diagnostic(), diagnostic({ severity: 'warning' })])).toBe('1 error, 1 warning');
  });

  test.each([
    ['a tab is one column', '\tab', 2, 1, ' ab', ' ^'],
    ['wide text', '"한국": 1', 7, 1, '"한국": 1', '        ^'],
    ['text that would move the cursor', 'a\u001b[2Jb\u202e', 1, 1, 'a\ufffd[2Jb\ufffd', '^'],
    ['a span after the end of the line', 'ab', 3, 5, 'ab', '  ^'],
  ])('%s', (_, text, column, length, shown, marker) => {
    expect(frame({ line: 7, column, length, text })).toEqual([`7 | ${shown}`, `  | ${marker}`]);
  });

  test('long lines are cut around what is underlined', () => {
    const text = `${'a'.repeat(5000)}HERE${'b'.repeat(5000)}`;
    const [source, marker] = frame({ line: 1, column: 5001, length: 4, text });
    expect(source.length).toBeLessThan(120);
    expect(source.slice(marker.indexOf('^'), marker.lastIndexOf('^') + 1)).toBe('HERE');
  });
});

describe('for machines', () => {
  test('everything, with null for what is not there', () => {
    const bare: Diagnostic = { code: 'x', severity: 'warning', message: 'y' };
    expect(toJson([diagnostic(), bare])).toEqual({
      format: 'mirror/diagnostics/1',
      diagnostics: [
        {
          code: 'unknown-method',
          severity: 'error',
          message: 'unknown sync method `rsnyc`',
          help: 'did you mean `rsync`?',
          file: '/etc/mirror/config.json',
          line: 14,
          column: 13,
          length: 7,
          pointer: '/packages/debian/synctype',
          source: '  "synctype": "rsnyc",',
        },
        {
          code: 'x',
          severity: 'warning',
          message: 'y',
          help: null,
          file: null,
          line: null,
          column: null,
          length: null,
          pointer: null,
          source: null,
        },
      ],
    });
  });

  test('GitHub gets one command each, whatever the text', () => {
    const hostile = diagnostic({ message: '100%\n::error::x', help: 'a,b:c', severity: 'warning' });
    expect(renderGitHub([diagnostic(), hostile], '/etc')).toBe(
      '::error file=mirror/config.json,line=14,col=13,endColumn=20,title=unknown-method::unknown sync method `rsnyc`%0Ahelp: did you mean `rsync`?\n' +
        '::warning file=mirror/config.json,line=14,col=13,endColumn=20,title=unknown-method::100%25%0A::error::x%0Ahelp: a,b:c\n',
    );
  });
});

describe('order', () => {
  test('by file and position, errors first at one place, each once', () => {
    const at = (line: number, severity: 'error' | 'warning', file = '/a'): Diagnostic =>
      diagnostic({
        severity,
        code: severity,
        place: { file, pointer: '', target: 'value' },
        span: { line, column: 1, length: 1, text: '' },
      });
    const shuffled = [at(1, 'error', '/b'), at(9, 'error'), at(2, 'warning'), at(2, 'error'), at(9, 'error')];
    expect(
      ordered(shuffled).map(({ place, span, code }) => `${place?.file ?? ''}:${span?.line ?? 0} ${code}`),
    ).toEqual(['/a:2 error', '/a:2 warning', '/a:9 error', '/b:1 error']);
  });
});
