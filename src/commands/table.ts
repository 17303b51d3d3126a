/** A cell, and how to show it once its width is settled (colour codes have no width). */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/**
 * Aligned columns, two blanks apart; the last one is cut to `width` characters with `…`, unless `width` is null (a pipe
 * gets everything). Control characters in a cell, a tool's stderr for example, become blanks: they must not reach the
 * terminal.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  width: number | null,
): string {
  const cells = [head.map((text): Cell => ({ text })), ...rows].map((row) => row.map(printable));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => length(row[column]?.text ?? ''))));
  return cells.map((row) => `${line(row, widths, width)}\n`).join('');
}

/** Colours and cursor movements (ECMA-48), taken out whole so that no `[31m` stays behind. */
const CSI = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** Text that cannot move the cursor, ring the bell or start a new line. */
export function plain(text: string): string {
  const bare = text.replace(CSI, '');
  return bare.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trimEnd();
}

function line(row: readonly Cell[], widths: readonly number[], width: number | null): string {
  const last = row.length - 1;
  const before = widths.slice(0, last).reduce((sum, each) => sum + each + 2, 0);
  return row
    .map(({ text, paint = same }, column) => {
      if (column === last) return paint(width === null ? text : cut(text, Math.max(10, width - before)));
      return paint(text) + ' '.repeat((widths[column] ?? 0) - length(text));
    })
    .join('  ')
    .trimEnd();
}

function printable({ text, paint }: Cell): Cell {
  return paint ? { text: plain(text), paint } : { text: plain(text) };
}

function cut(text: string, to: number): string {
  const characters = Array.from(text);
  return characters.length <= to ? text : `${characters.slice(0, to - 1).join('')}…`;
}

function length(text: string): number {
  return Array.from(text).length;
}

function same(text: string): string {
  return text;
}
