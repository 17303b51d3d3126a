import { Lines, samePrefix } from '../lines.js';

const LINE_END = 10;

/** Lines that only one of two lists has. */
export interface LineDifference {
  readonly gone: ReadonlySet<string>;
  readonly came: ReadonlySet<string>;
}

/**
 * Compares two lists, given as open files, whatever the order of their lines. Most of two lists of one tree is the same,
 * in the same order: that is compared in large stretches and never becomes text. Where they differ, lines wait on both
 * sides until the other side brings the same, which also finds the common rhythm again after lines that only one has.
 */
export function differentLines(before: number, after: number): LineDifference {
  const [a, b] = [new Lines(before), new Lines(after)];
  const [gone, came] = [new Map<string, number>(), new Map<string, number>()];
  for (;;) {
    skipSame(a, b);
    const [old, now] = [a.peek(), b.peek()];
    if (old === null && now === null) break;
    if (old === now) {
      a.skip();
      b.skip();
    } else if (now !== null && takeOne(gone, now)) b.skip();
    else if (old !== null && takeOne(came, old)) a.skip();
    else {
      if (old !== null) addOne(gone, old);
      if (now !== null) addOne(came, now);
      a.skip();
      b.skip();
    }
  }
  return { gone: new Set(gone.keys()), came: new Set(came.keys()) };
}

/** Goes on in both to the first line that differs, or to the end of one of them. */
function skipSame(a: Lines, b: Lines): void {
  while (hasLine(a) && hasLine(b)) {
    const same = samePrefix(a, b);
    const whole = same === 0 ? -1 : a.buffer.lastIndexOf(LINE_END, a.start + same - 1);
    if (whole < a.start) return;
    const skipped = whole + 1 - a.start;
    a.start += skipped;
    b.start += skipped;
  }
}

/** Whether a whole line is in the window, after reading on if need be. */
function hasLine(lines: Lines): boolean {
  const end = lines.lineEnd();
  return end !== -1 && end < lines.end;
}

function addOne(lines: Map<string, number>, line: string): void {
  lines.set(line, (lines.get(line) ?? 0) + 1);
}

function takeOne(lines: Map<string, number>, line: string): boolean {
  const count = lines.get(line);
  if (count === undefined) return false;
  if (count === 1) lines.delete(line);
  else lines.set(line, count - 1);
  return true;
}
