import { diffArrays } from 'diff';

/** A stretch of lines that stay, go, or come. */
export interface Edit {
  readonly kind: 'keep' | 'remove' | 'add';
  readonly lines: readonly string[];
}

/** Myers' algorithm needs time that grows with the square of the edits: beyond this many, anchors cut the work up. */
const MAX_EDITS = 600;

/**
 * How to turn one list of lines into another. Few differences: the shortest way (the `diff` package). Many, such as a
 * crontab with every line rewritten: lines that occur once on both sides anchor the rest (patience diff), and stretches
 * between anchors that still differ too much are replaced as a whole. Work stays near linear.
 */
export function edits(before: readonly string[], after: readonly string[]): Edit[] {
  const start = commonLength(before, after, 0);
  const end = commonLength(before.slice(start).reverse(), after.slice(start).reverse(), 0);
  const middle = between(before.slice(start, before.length - end), after.slice(start, after.length - end));
  return merge([
    { kind: 'keep', lines: before.slice(0, start) },
    ...middle,
    { kind: 'keep', lines: before.slice(before.length - end) },
  ]);
}

function between(before: string[], after: string[]): Edit[] {
  return shortest(before, after) ?? anchored(before, after);
}

/** The shortest edit script, or null when it would be longer than MAX_EDITS. */
function shortest(before: string[], after: string[]): Edit[] | null {
  if (before.length === 0 || after.length === 0) return replace(before, after);
  const parts = diffArrays(before, after, { maxEditLength: MAX_EDITS });
  return (
    parts?.map(({ added, removed, value }) => ({
      kind: added ? 'add' : removed ? 'remove' : 'keep',
      lines: value,
    })) ?? null
  );
}

function anchored(before: string[], after: string[]): Edit[] {
  const found: Edit[] = [];
  let [b, a] = [0, 0];
  for (const [i, j] of [...anchors(before, after), [before.length, after.length] as const]) {
    const [gapBefore, gapAfter] = [before.slice(b, i), after.slice(a, j)];
    found.push(...(shortest(gapBefore, gapAfter) ?? replace(gapBefore, gapAfter)));
    found.push({ kind: 'keep', lines: before.slice(i, i + 1) });
    [b, a] = [i + 1, j + 1];
  }
  return found;
}

function replace(before: string[], after: string[]): Edit[] {
  return [
    { kind: 'remove', lines: before },
    { kind: 'add', lines: after },
  ];
}

/** Pairs of indices of lines unique on both sides, in ascending order on both: the longest such chain. */
function anchors(before: string[], after: string[]): (readonly [number, number])[] {
  const places = unique(after);
  const pairs = [...unique(before)].flatMap(([line, i]) => {
    const j = places.get(line);
    return j === undefined ? [] : [{ i, j, previous: -1 }];
  });
  // Longest increasing subsequence by patience sorting: tops[k] is the pair that ends the best chain of k + 1.
  const tops: number[] = [];
  pairs.forEach((pair, index) => {
    let [low, high] = [0, tops.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tops[middle] ?? 0]?.j ?? 0) < pair.j) low = middle + 1;
      else high = middle;
    }
    pair.previous = tops[low - 1] ?? -1;
    tops[low] = index;
  });
  const chain: (readonly [number, number])[] = [];
  for (let pair = pairs[tops.at(-1) ?? -1]; pair; pair = pairs[pair.previous]) chain.push([pair.i, pair.j]);
  return chain.reverse();
}

/** Lines that occur exactly once, with their index. */
function unique(lines: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  const found = new Map<string, number>();
  lines.forEach((line, index) => {
    if (counts.get(line) === 1) found.set(line, index);
  });
  return found;
}

function commonLength(a: readonly string[], b: readonly string[], from: number): number {
  let length = from;
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1;
  return length;
}

function merge(all: readonly Edit[]): Edit[] {
  const merged: { kind: Edit['kind']; lines: string[] }[] = [];
  for (const { kind, lines } of all) {
    if (lines.length === 0) continue;
    const last = merged.at(-1);
    // push(...lines) would put ten thousand lines on the stack.
    if (last?.kind === kind) for (const line of lines) last.lines.push(line);
    else merged.push({ kind, lines: [...lines] });
  }
  return merged;
}
