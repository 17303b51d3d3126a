import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { escapeUnsafe, findUnsafe, toOneLine, toPlainText, jsonText } from '../../src/job/plain-text.js';

const UNSAFE = [
  ...['\u0000', '\u0007', '\b', '\n', '\r', '\u001b', '\u007f', '\u0085', '\u009b'],
  ...['\u061c', '\u200e', '\u200f', '\u2028', '\u2029', '\u202a', '\u202e', '\u2066', '\u2069'],
];

test.each(UNSAFE)('%j reaches nobody', (character) => {
  expect(toPlainText(`a${character}b`)).toBe('a?b');
  expect(escapeUnsafe(`a${character}b`, '')).toMatch(/^a\\[xu][0-9a-f]+b$/);
  expect(findUnsafe(`ab${character}`)?.index).toBe(2);
});

test('names in other scripts, joined characters and emoji stay as they are', () => {
  for (const text of ['Ελλάδα', 'मिरर', '日本', 'می‌خواهم', '👩‍💻']) {
    expect(toPlainText(text)).toBe(text);
    expect(escapeUnsafe(text)).toBe(text);
    expect(findUnsafe(text)).toBeNull();
  }
});

test('line ends and tabs stay where they are wanted', () => {
  expect(escapeUnsafe('a\tb\nc\u001b[31m')).toBe('a\tb\nc\\x1b[31m');
  expect(findUnsafe('a\u202eb')).toEqual({ name: 'U+202E', index: 1 });
});

test('a message is one line, however many it quotes, and takes no more than linear time', () => {
  expect(toOneLine(' a \r\n  b\n\n[2026-01-01][x] INFO # synced\u2028c ')).toBe(
    'a b [2026-01-01][x] INFO # synced?c',
  );
  const began = performance.now();
  toOneLine(`x${' '.repeat(1_000_000)}x`);
  expect(performance.now() - began).toBeLessThan(1000);
});

test('JSON is plain, and the same to a parser', () => {
  const value = { a: '\u009b31m\u202e\u2028\x1b\n\x7f', b: ['x'] };
  for (const indent of [undefined, 2]) {
    const text = jsonText(value, indent);
    expect(findUnsafe(text.replaceAll('\n', ''))).toBeNull();
    expect(JSON.parse(text)).toEqual(value);
  }
});

test('no command prints JSON by another way', () => {
  for (const name of readdirSync('src/commands'))
    expect(readFileSync(join('src/commands', name), 'utf8'), name).not.toMatch(
      /write\(\s*`?\$?\{?JSON\.stringify/,
    );
});
