import fc from 'fast-check';
import { parse, type ParseError } from 'jsonc-parser';
import { describe, expect, test } from 'vitest';
import { countKeys, plainJson } from '../../src/config/json-text.js';

/** JSON text with comments, blanks and trailing commas wherever they are allowed. */
function decorated(value: unknown, next: () => number): string {
  const space = (): string => ['', ' ', '\n', '/* , } ] " */', '// : "\n', '/**/'][next() % 6] ?? '';
  const comma = (length: number): string => (length > 0 && next() % 2 === 0 ? `,${space()}` : '');
  if (Array.isArray(value)) {
    const items = value.map((item) => space() + decorated(item, next) + space());
    return `[${items.join(',')}${comma(items.length)}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([key, item]) =>
        `${space()}${JSON.stringify(key)}${space()}:${space()}${decorated(item, next)}${space()}`,
    );
    return `{${members.join(',')}${comma(members.length)}}`;
  }
  return JSON.stringify(value);
}

const plain = (text: string): { text: string; keys: number } => {
  const { bytes, keys } = plainJson(Buffer.from(text));
  return { text: Buffer.from(bytes).toString(), keys };
};

describe('JSON with comments', () => {
  test('comments and trailing commas mean nothing, and nothing moves', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.array(fc.nat(), { minLength: 1 }), (value, choices) => {
        let at = 0;
        const source = decorated(value, () => choices[at++ % choices.length] ?? 0);
        const { text, keys } = plain(source);
        expect(Buffer.byteLength(text)).toBe(Buffer.byteLength(source));
        const parsed: unknown = JSON.parse(text);
        expect(JSON.stringify(parsed)).toBe(JSON.stringify(JSON.parse(JSON.stringify(value))));
        expect(countKeys(parsed)).toBe(keys);
      }),
      { numRuns: 500 },
    );
  });

  test('what we accept, the parser that finds positions accepts, and the same', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"//"',
      '"\\""',
      '1',
      'null',
      ' ',
      '\n',
      '//',
      '/*',
      '*/',
      '"',
      '\\',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 14 }), (parts) => {
        const source = parts.join('');
        let ours: unknown;
        try {
          ours = JSON.parse(plain(source).text);
        } catch {
          return;
        }
        const errors: ParseError[] = [];
        const theirs: unknown = parse(source, errors, { allowTrailingComma: true });
        expect({ source, errors, value: ours }).toEqual({ source, errors: [], value: theirs });
      }),
      { numRuns: 20_000 },
    );
  });

  test('a key that is there twice is counted twice', () => {
    const { text, keys } = plain('{ "a": { "b": 1, "b": 2 }, "c": "d: e" }');
    expect(keys).toBe(4);
    expect(countKeys(JSON.parse(text))).toBe(3);
  });

  test('without comments the bytes are not copied', () => {
    const source = Buffer.from('{ "a": "// no comment" }');
    expect(plainJson(source).bytes).toBe(source);
  });
});
