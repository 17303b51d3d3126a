import { toPlainText } from '../job/plain-text.js';
import type { Span } from './diagnostic.js';

/** Columns of source shown; longer lines are cut around what is underlined. */
const WIDTH = 100;

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const ZERO = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** A source line with its number, and the line under it that marks the span. Safe to print on a terminal. */
export function frame(span: Span): readonly [source: string, marker: string] {
  const { text, start, length } = cut(span);
  const number = String(span.line);
  const before = printable(text.slice(0, start));
  const marked = printable(text.slice(start, start + length));
  const after = printable(text.slice(start + length));
  return [
    `${number} | ${before}${marked}${after}`.trimEnd(),
    `${' '.repeat(number.length)} | ${' '.repeat(width(before))}${'^'.repeat(Math.max(1, width(marked)))}`,
  ];
}

/** Replaces what would move the cursor or hide text by a visible sign; tabs become one blank. */
export function printable(text: string): string {
  return toPlainText(text.replace(/\t/g, ' '), '\ufffd');
}

function cut(span: Span): { text: string; start: number; length: number } {
  const start = span.shown ?? span.column - 1;
  const length = Math.min(span.length, span.text.length - start, WIDTH - 20);
  if (span.text.length <= WIDTH) return { text: span.text, start, length };
  const from = Math.max(0, Math.min(start - 40, span.text.length - WIDTH));
  const head = from > 0 ? '…' : '';
  const tail = from + WIDTH < span.text.length ? '…' : '';
  return {
    text: head + span.text.slice(from, from + WIDTH) + tail,
    start: start - from + head.length,
    length,
  };
}

/** Terminal columns, near enough to put a marker under East Asian text. */
function width(text: string): number {
  let columns = 0;
  for (const char of text) columns += WIDE.test(char) ? 2 : ZERO.test(char) ? 0 : 1;
  return columns;
}
