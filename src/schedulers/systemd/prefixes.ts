/** The bits of an IPv4 prefix: its first address as a number, and its length. */
interface Prefix {
  readonly first: number;
  readonly length: number;
}

/** Returns the prefixes, the fewest possible, of all IPv4 addresses that lie in none of `denied` (`10.0.0.0/8`). */
export function otherPrefixes(denied: readonly string[]): string[] {
  return split({ first: 0, length: 0 }, denied.map(parsePrefix)).map(
    ({ first, length }) =>
      `${[24, 16, 8, 0].map((shift) => (first >>> shift) & 255).join('.')}/${String(length)}`,
  );
}

/** The prefix itself where nothing in it is denied, none where all of it is, else what remains of its halves. */
function split(prefix: Prefix, denied: readonly Prefix[]): Prefix[] {
  if (denied.some((other) => covers(other, prefix))) return [];
  if (!denied.some((other) => covers(prefix, other))) return [prefix];
  const length = prefix.length + 1;
  const upper = prefix.first + 2 ** (32 - length);
  return [prefix.first, upper].flatMap((first) => split({ first, length }, denied));
}

function covers(outer: Prefix, inner: Prefix): boolean {
  const size = 2 ** (32 - outer.length);
  return outer.length <= inner.length && inner.first >= outer.first && inner.first < outer.first + size;
}

function parsePrefix(text: string): Prefix {
  const [address = '', length] = text.split('/');
  const first = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return { first, length: Number(length) };
}
