import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigFileError, diskReader, readSite, type SiteResult } from '../../src/config/index.js';
import { readFiles, rsyncPackage, siteWith } from './read.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-bad-files-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const valid = siteWith(rsyncPackage('debian'));

function readPath(path: string): SiteResult {
  return readSite(diskReader(), path, { node: 'node1' });
}

function codes(content: string | Uint8Array): string[] {
  const { site, diagnostics } = readFiles({ 'config.json': content });
  expect(site).toBeNull();
  for (const { message, help } of diagnostics)
    expect(`${message} ${help ?? ''}`).not.toMatch(/Error|\bat .*:\d+/);
  return diagnostics.map(({ code }) => code);
}

describe('files that cannot be read (66)', () => {
  const failure = (path: string): ConfigFileError => {
    try {
      readPath(path);
    } catch (error) {
      if (error instanceof ConfigFileError) return error;
      throw error;
    }
    throw new Error('it was read');
  };

  test('a missing file, a directory, a path through a file and a FIFO say what they are', () => {
    const file = join(directory, 'file.json');
    writeFileSync(file, valid);
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    expect(failure(join(directory, 'none.json'))).toMatchObject({ code: 66, reason: 'no such file' });
    expect(failure(directory)).toMatchObject({ code: 66, reason: 'is a directory' });
    expect(failure(join(file, 'x'))).toMatchObject({ code: 66, reason: 'no such file' });
    expect(failure(fifo)).toMatchObject({ code: 66, reason: 'is not a regular file' });
  });

  test.runIf(process.getuid?.() === 0)('a file without permission to read', () => {
    const open = mkdtempSync('/dev/shm/mirror-unreadable-');
    const file = join(open, 'config.json');
    writeFileSync(file, valid);
    chmodSync(open, 0o755);
    chmodSync(file, 0);
    process.seteuid?.(65534);
    try {
      expect(failure(file)).toMatchObject({ code: 66, reason: 'permission denied' });
    } finally {
      process.seteuid?.(0);
      rmSync(open, { recursive: true });
    }
  });

  test('an include that is a directory', () => {
    mkdirSync(join(directory, 'packages.d/x.json'), { recursive: true });
    const config = join(directory, 'includes.json');
    writeFileSync(config, siteWith({}, {}, { include: ['packages.d/*.json'] }));
    expect(failure(config)).toMatchObject({ code: 66, path: join(directory, 'packages.d/x.json') });
  });
});

describe('files that are no config (78)', () => {
  test('50 MB are refused by their size alone', () => {
    const large = join(directory, 'large.json');
    const fd = openSync(large, 'w');
    ftruncateSync(fd, 50 * 1024 * 1024);
    closeSync(fd);
    const started = performance.now();
    const { site, diagnostics } = readPath(large);
    expect(site).toBeNull();
    expect(diagnostics).toMatchObject([
      { code: 'too-large', message: expect.stringContaining('50 MiB') as string },
    ]);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('33 MB from a reader that has no sizes', () => {
    expect(codes(Buffer.alloc(33 * 1024 * 1024, 0x20))).toEqual(['too-large']);
  });

  test.each([
    ['empty', '', 'empty-file'],
    ['blank', ' \n\t\r\n', 'empty-file'],
    ['binary', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]), 'binary'],
    ['Latin-1', Buffer.from('{ "mirrorname": "M\xfcnchen" }', 'latin1'), 'not-utf8'],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le'), 'not-utf8'],
    ['a comment only', '// nothing\n', 'truncated'],
    ['truncated in a string', valid.slice(0, valid.indexOf('"UTC"') + 3), 'truncated'],
    ['a string that never ends', valid.replace('"UTC"', '"UTC'), 'syntax'],
    ['truncated after a comma', valid.slice(0, valid.indexOf(',') + 1), 'truncated'],
    ['a lone bracket', '{', 'truncated'],
    ['a number', '42', 'wrong-type'],
    ['null', 'null', 'wrong-type'],
    ['a control character in a string', valid.replace('Example', 'Exa\u0001mple'), 'syntax'],
    ['an unknown escape', valid.replace('Example', 'Exa\\qmple'), 'syntax'],
    ['a comma too much', '{ "a": [1,,] }', 'syntax'],
    ['a lone comma', '{ "a": [,] }', 'syntax'],
    ['two documents', '{}{}', 'syntax'],
    ['a number with a leading zero', '{ "a": 01 }', 'syntax'],
    ['a comment that never ends', `${valid}/*`, 'syntax'],
  ])('%s', (_, content, code) => expect(codes(content)).toEqual([code]));

  test.each([201, 10_000, 1_000_000])('%i nested lists', (depth) => {
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    expect(codes(siteWith({}, {}, { _deep: 0 }).replace('"_deep": 0', `"_deep": ${nested}`))).toEqual([
      'too-deep',
    ]);
    expect(codes('{"a":'.repeat(depth))).toEqual(['too-deep']);
  });

  test('as deep as allowed is no mistake', () => {
    const nested = '['.repeat(190) + ']'.repeat(190);
    const text = siteWith(rsyncPackage('debian'), {}, { _deep: 0 }).replace(
      '"_deep": 0',
      `"_deep": ${nested}`,
    );
    expect(readFiles({ 'config.json': text }).diagnostics).toEqual([]);
  });
});

describe('text that is as good as any', () => {
  test.each([
    ['a byte order mark', `\ufeff${valid}`],
    ['Windows line ends', valid.replace(/\n/g, '\r\n')],
    ['no line ends', JSON.stringify(JSON.parse(valid))],
    ['comments and trailing commas', `// a\n${valid.replace(/\n(\s*)\}/g, ',\n$1/* b */ }')}// c`],
  ])('%s', (_, text) => {
    const { site, diagnostics } = readFiles({ 'config.json': text });
    expect(diagnostics).toEqual([]);
    expect(site?.packages.map(({ id }) => id)).toEqual(['debian']);
  });

  test('after a byte order mark, positions still count what an editor shows', () => {
    const text = `\ufeff${valid.replace('"UTC"', '7')}`;
    const [{ span } = {}] = readFiles({ 'config.json': text }).diagnostics;
    expect(span).toMatchObject({ line: 9, column: 22, length: 1 });
  });

  test('Windows line ends leave no carriage return in a frame', () => {
    const text = valid.replace('"UTC"', '7').replace(/\n/g, '\r\n');
    const [{ span } = {}] = readFiles({ 'config.json': text }).diagnostics;
    expect(span?.text).toBe('    "localtimezone": 7');
  });
});

describe('sizes', () => {
  test('a text of 31 MB, in whatever place and closed or not, is named and not looked at', () => {
    const long = 'x'.repeat(31_000_000);
    for (const content of [
      siteWith(rsyncPackage('debian'), {}, { mirrorname: long }),
      siteWith({ [long]: {} }),
      `{"mirrorname": "${long}`,
    ]) {
      const { diagnostics } = readFiles({ 'config.json': content });
      expect(diagnostics.map(({ code }) => code)).toEqual(['too-long']);
      expect(JSON.stringify(diagnostics).length).toBeLessThan(2000);
    }
  });

  test('a text of 60 KiB is one mistake, and no message quotes all of it', () => {
    const { diagnostics } = readFiles({ 'config.json': siteWith({ ['x'.repeat(60_000)]: {} }) });
    for (const { message, span } of diagnostics) {
      expect(message.length).toBeLessThan(2100);
      expect(span?.text.length ?? 0).toBeLessThan(5000);
    }
  });

  test('a line of many packages is shown around what is wrong, with no secret in it', () => {
    const packages = Array.from({ length: 2000 }, (_, n) =>
      rsyncPackage(`p${String(n)}`, { password: 'hunter2' }),
    );
    const text = JSON.stringify(JSON.parse(siteWith(Object.assign({}, ...packages) as object)));
    const { diagnostics } = readFiles({ 'config.json': text });
    expect(diagnostics.length).toBeGreaterThanOrEqual(2000);
    for (const { span } of diagnostics) {
      expect(span?.text).not.toContain('hunter2');
      expect(span?.text.length).toBeLessThan(10_000);
    }
    const { span } = diagnostics[1500] ?? {};
    expect(span?.text.slice(span.shown ?? span.column - 1)).toMatch(/^"password"/);
  });

  test('a hundred thousand bad packages take bounded work, and the rest is counted', () => {
    const packages = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, n) => [`p${String(n)}`, { a: 1 }]),
    );
    const { diagnostics } = readFiles({ 'config.json': siteWith(packages) });
    expect(diagnostics.length).toBeLessThan(10_100);
    const [rest] = diagnostics.filter(({ code }) => code === 'too-many-findings');
    expect(rest?.message).toMatch(/^\d+ more packages were not checked after 10000 findings$/);
  });

  test('a name whose direction turns is refused, with the character and its place', () => {
    const { diagnostics } = readFiles({
      'config.json': siteWith(rsyncPackage('debian', { name: 'Deb\u202eian' })),
    });
    expect(diagnostics.map(({ message }) => message).join()).toContain('its character 4 is U+202E');
  });
});
