import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_REQUEST, MessageReader, ProtocolError, encode } from '../../src/control/protocol.js';

describe('messages', () => {
  test('come out as they went in, however the bytes were cut', () => {
    const message = fc.dictionary(fc.string(), fc.jsonValue());
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), cuts, (messages, sizes) => {
        const bytes = Buffer.concat(messages.map((one) => encode(one)));
        const reader = new MessageReader(MAX_REQUEST);
        const seen: unknown[] = [];
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = sizes[i % sizes.length] ?? 1;
          reader.push(bytes.subarray(at, at + size));
          at += size;
          for (let one = reader.next(); one !== null; one = reader.next()) seen.push(one);
        }
        expect(seen).toEqual(messages.map((one) => JSON.parse(JSON.stringify(one)) as unknown));
        expect(reader.isInside).toBe(false);
      }),
      { numRuns: 300, seed: 2026 },
    );
  });

  test('begin with four bytes of length, the highest first', () => {
    expect(encode({ a: 'é' })).toEqual(Buffer.from('\0\0\0\x0a{"a":"é"}', 'utf8'));
  });

  test('that are too long are refused when their length is known, before they are there', () => {
    const reader = new MessageReader(100);
    reader.push(Buffer.from([0, 0, 0]));
    expect(reader.next()).toBeNull();
    reader.push(Buffer.from([101]));
    expect(() => reader.next()).toThrow(expect.objectContaining({ status: 413 }) as ProtocolError);
    expect(() => encode({ text: 'x'.repeat(200) }, 100)).toThrow(ProtocolError);
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '1'],
    ['bytes that are no UTF-8', '{"a":"\xff"}'],
    ['what nests without end', '['.repeat(40_000)],
  ])('of %s are refused', (_, text) => {
    const reader = new MessageReader(MAX_REQUEST);
    const body = Buffer.from(text, 'latin1');
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    reader.push(Buffer.concat([head, body]));
    expect(() => reader.next()).toThrow(expect.objectContaining({ status: 400 }) as ProtocolError);
  });

  test('in pieces of one byte cost no more than they hold', () => {
    const reader = new MessageReader(MAX_REQUEST);
    const bytes = encode({ text: 'x'.repeat(60_000) });
    const began = performance.now();
    for (const byte of bytes) {
      reader.push(Buffer.of(byte));
      reader.next();
    }
    expect(reader.isInside).toBe(false);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
