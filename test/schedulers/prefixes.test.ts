import { BlockList } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { otherPrefixes } from '../../src/schedulers/systemd/prefixes.js';

const address = fc.ipV4();
const prefix = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 1, max: 32 }))
  .map(([number, length]) => {
    const first = Math.floor(number / 2 ** (32 - length)) * 2 ** (32 - length);
    return `${[24, 16, 8, 0].map((shift) => (first >>> shift) & 255).join('.')}/${String(length)}`;
  });

function list(prefixes: readonly string[]): BlockList {
  const all = new BlockList();
  for (const text of prefixes) {
    const [network = '', length] = text.split('/');
    all.addSubnet(network, Number(length));
  }
  return all;
}

it('an IPv4 address lies in a denied prefix or in one of the others, never in both', () => {
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 5 }), fc.array(address, { minLength: 20 }), (denied, some) => {
      const [no, yes] = [list(denied), list(otherPrefixes(denied))];
      const edges = denied.map((text) => text.split('/')[0] ?? '');
      for (const one of [...some, ...edges]) expect(no.check(one) !== yes.check(one), one).toBe(true);
    }),
  );
});

it('nothing denied leaves one prefix', () => {
  expect(otherPrefixes([])).toEqual(['0.0.0.0/0']);
});
