import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListChangesStep } from '../../src/job/list-step.js';
import { isListPattern, listPattern } from '../../src/methods/list-patterns.js';
import { changesOf } from '../../src/run/special/lists/changes.js';
import { differentLines } from '../../src/run/special/lists/diff.js';
import { readLine, wrongFrame } from '../../src/run/special/lists/entry.js';
import { listFilter } from '../../src/run/special/lists/filter.js';
import { PathSet } from '../../src/run/special/lists/path-set.js';
import { readPaths } from '../../src/run/special/lists/writer.js';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-lists-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function difference(before: string, after: string): { gone: string[]; came: string[] } {
  const [a, b] = [join(directory, 'a'), join(directory, 'b')];
  writeFileSync(a, before);
  writeFileSync(b, after);
  const [old, now] = [openSync(a, 'r'), openSync(b, 'r')];
  try {
    const { gone, came } = differentLines(old, now);
    return { gone: [...gone].sort(), came: [...came].sort() };
  } finally {
    closeSync(old);
    closeSync(now);
  }
}

describe('the lines that only one list has', () => {
  test('are those of their sets, whatever their order', () => {
    const lines = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 60 });
    const text = (list: number[]): string =>
      list.map((n) => `${'line'.repeat(n % 5)} ${String(n)}\n`).join('');
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const only = (list: number[], other: number[]): string[] =>
          text(list.filter((n) => !other.includes(n)))
            .split('\n')
            .slice(0, -1)
            .sort();
        const expected = { gone: only(before, after), came: only(after, before) };
        expect(difference(text(before), text(after))).toEqual(expected);
      }),
    );
  });

  test('are found in lists larger than the window, also behind a block that one of them has', () => {
    const line = (n: number): string =>
      `1700000000\tf\t800\tlinux/releases/Packages/package-${String(n)}.rpm\n`;
    const many = Array.from({ length: 60_000 }, (_, n) => line(n));
    const after = [
      ...many.slice(0, 100),
      ...Array.from({ length: 30_000 }, (_, n) => line(n + 1e6)),
      ...many.slice(100),
    ];
    after.splice(50_000, 1);
    const { gone, came } = difference(many.join(''), after.join(''));
    expect([gone, came.length]).toEqual([[many[20_000]?.trimEnd()], 30_000]);
    expect(difference(after.join('').trimEnd(), after.join(''))).toEqual({ gone: [], came: [] });
  });
});

describe('a line', () => {
  test.each([
    [
      '1700000000\tf\t12\tlinux/README',
      { kind: 'entry', type: 'file', mark: null, size: 12, path: 'linux/README' },
    ],
    ['1700000000.25\td-\t4096\ta b', { kind: 'entry', type: 'directory', mark: 'closed', path: 'a b' }],
    ['1700000000\tl*\t7\t...', { kind: 'entry', type: 'link', mark: 'below', path: '...' }],
    [`${'0a'.repeat(20)}\tx/repomd.xml`, { kind: 'checksum', path: 'x/repomd.xml' }],
    ['[Checksums SHA1]', { kind: 'frame' }],
    ['', { kind: 'frame' }],
  ])('%j is understood', (line, expected) => expect(readLine(line)).toMatchObject(expected));

  test.each(['../etc/passwd', '/etc/passwd', 'a/../../b', 'a//b', 'a/', './a', 'a/.', '..', 'a\rb'])(
    'that names %j is wrong',
    (path) => expect(readLine(`1700000000\tf\t12\t${path}`)).toEqual({ kind: 'wrong' }),
  );

  test.each([
    ['[Version]\n3\n\n[Files]\n17', 'x\n\n[End]\n', null],
    ['[Version]\n2\n\n[Files]\n17', '[End]', null],
    ['[Version]\n3\n\n[Files]\n17', '1700000000\tf\t12\t[End]\n', 'has no end: it was cut off'],
    ['[Version]\n3\n\n[Files]\n\n[Check', '[End]\n', 'lists no files'],
  ])('a list that begins %j and ends %j: %j', (head, tail, wrong) =>
    expect(wrongFrame(head, tail)).toBe(wrong),
  );
});

function stepIn(top: string): ListChangesStep {
  mkdirSync(join(top, 'dst'), { recursive: true });
  mkdirSync(join(top, 'fetched'), { recursive: true });
  return {
    kind: 'list-changes',
    tool: 'rsync',
    argv: [],
    lists: [{ file: 'list', directory: '' }],
    extra: [],
    fetched: join(top, 'fetched'),
    compare: 0,
    restricted: false,
    exclude: [],
    full_every: 1,
    record: '',
    prefix: 'sub/./',
    transfer: join(top, 'transfer'),
    unwanted: '',
    deletions: '',
    verify: join(top, 'verify'),
    full: '',
    summary: '',
  };
}

function listOf(...lines: string[]): string {
  return `[Version]\n3\n\n[Files]\n${lines.map((line) => `${line}\n`).join('')}\n[End]\n`;
}

test('what is deleted is what the list before names and the one after does not, on however many lines', () => {
  const top = join(directory, 'many');
  const step = stepIn(top);
  const line = fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 2 }));
  const path = (n: number): string => `${'x'.repeat(n % 4)}linux/${String(n % 3)}/package-${String(n)}.rpm`;
  const text = (lines: [number, number][]): string =>
    listOf(...lines.map(([n, time]) => `170000000${String(time)}\tf\t3\t${path(n)}`));
  const paths = (lines: [number, number][]): string[] => [...new Set(lines.map(([n]) => path(n)))];
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), fc.array(line, { maxLength: 40 }), (before, after) => {
      writeFileSync(join(top, 'dst/list'), text(before));
      writeFileSync(join(top, 'fetched/list'), text(after));
      rmSync(step.transfer, { force: true });
      const known = { list: { files: before.length, bytes: 0, twice: true } };
      const { deletions } = changesOf(step, listFilter(step), join(top, 'dst'), () => true, known);
      const expected = paths(before).filter((name) => !paths(after).includes(name));
      expect([...deletions].sort()).toEqual(expected.sort());
    }),
    { numRuns: 200 },
  );
});

test('a file that a list names twice is not deleted when one of its lines goes', () => {
  const step = stepIn(directory);
  const list = listOf;
  const twice = ['1700000001\tf\t3\tx/twice', '1700000002\tf\t3\tx/twice'];
  writeFileSync(join(directory, 'dst/list'), list(...twice, '1700000000\tf\t3\tx/gone'));
  writeFileSync(join(directory, 'fetched/list'), list(twice[1] ?? ''));
  const known = { list: { files: 3, bytes: 9, twice: true } };
  const work = changesOf(step, listFilter(step), join(directory, 'dst'), () => true, known);
  expect(work).toMatchObject({ transfers: 0, deletions: ['x/gone'] });
  expect([...readPaths(step.transfer)]).toEqual([]);
  // Nobody needs to look again while no path can be on two lines: not after one came that was not there.
  const twiceAfter = (line: string): boolean | undefined => {
    writeFileSync(join(directory, 'fetched/list'), list(...twice, '1700000000\tf\t3\tx/gone', line));
    const once = { list: { files: 3, bytes: 9, twice: false } };
    const changes = changesOf(step, listFilter(step), join(directory, 'dst'), () => true, once);
    rmSync(step.transfer);
    return changes.totals.list?.twice;
  };
  mkdirSync(join(directory, 'dst/x'));
  writeFileSync(join(directory, 'dst/x/gone'), '');
  expect(twiceAfter('1700000009\tf\t3\tx/new')).toBe(false);
  expect(twiceAfter('1700000009\tf\t3\tx/gone')).toBe(true);
});

test('a set of paths has what was put in, and nothing else', () => {
  const paths = new PathSet();
  const name = (n: number): string => `linux/updates/${String(n % 977)}/package-${String(n)}.rpm`;
  for (let n = 0; n < 50_000; n++) paths.add(name(n));
  for (let n = 0; n < 50_000; n++) expect(paths.has(name(n)) && !paths.has(name(n + 50_000))).toBe(true);
});

test('a pattern leaves out of a list what rsync leaves out of a tree', () => {
  const tree = join(directory, 'tree');
  const files = ['a/b/c', 'a/bc', 'b/a/c', 'b/c.d', 'c/a', 'c/a*', 'c/[x]', 'd', 'abc/d/a.d', 'x.d/b'];
  for (const file of files) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), '');
  }
  const words = fc.constantFrom(
    'a',
    'b',
    'c',
    'd',
    '*',
    '**',
    '?',
    '/',
    '.',
    '[ab]',
    '[!a]',
    '[^b]',
    '\\a',
    '\\*',
    '[',
    'x',
  );
  const pattern = fc.array(words, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(pattern, (text) => {
      fc.pre(isListPattern(text));
      const printed = execFileSync('rsync', ['-r', '--list-only', `--exclude=${text}`, `${tree}/`], {
        encoding: 'utf8',
      });
      const left = printed
        .split('\n')
        .map((line) => line.slice(46))
        .filter((name) => files.includes(name));
      const regex = new RegExp(listPattern(text));
      expect(files.filter((file) => !regex.test(file)).sort()).toEqual(left.sort());
    }),
    {
      numRuns: 150,
      examples: [['**/a'], ['/**/a'], ['a/**/c'], ['a[!]'], ['[^]'], ['[]a]'], ['b[!]a]'], ['a[]b']],
    },
  );
});

test('brackets with a slash or a backslash in them are left to rsync', () => {
  for (const pattern of ['[/[^b]**', '[\\*[!a]', 'x[a\\]]', '**[]/]', '**[!]/]'])
    expect(isListPattern(pattern), pattern).toBe(false);
  for (const pattern of ['[ab]/[!c]', '**/debug', '[]a]']) expect(isListPattern(pattern), pattern).toBe(true);
});

test('a pattern with many stars takes no more time than one with few', () => {
  const patterns = [`${'*a'.repeat(14)}*b`, `/**a${'*a'.repeat(10)}/b**c*d`, `${'a/*/'.repeat(10)}*x*y`];
  const paths = ['a'.repeat(4096), 'a/'.repeat(2048), `${'a'.repeat(16)}/`.repeat(240)];
  const began = performance.now();
  for (const pattern of patterns) {
    expect(isListPattern(pattern)).toBe(true);
    for (const path of paths) expect(new RegExp(listPattern(pattern)).test(path)).toBe(false);
  }
  expect(performance.now() - began).toBeLessThan(2000);
});
