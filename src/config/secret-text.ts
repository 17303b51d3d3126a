import type { Node } from 'jsonc-parser';

/** Offsets of a text that must not be shown: from, to. */
export type Range = readonly [number, number];

/** What stands for a secret wherever a value is shown. */
export const HIDDEN = '********';

/**
 * Whether a key's value is to be hidden: also misspelt ones, because the diagnostic for a misspelt key shows its line.
 * Paths of secrets (`password_file`) are no secrets.
 */
export function isSecretKey(key: string): boolean {
  return (
    /pas+w|passphrase|pass$|pw(or)?d|secret|token|credential|webhook|api_?key/i.test(key) && !isFile(key)
  );
}

function isFile(key: string): boolean {
  return /file$/i.test(key);
}

/** A word of a command line that gives a secret away: `--password=…`. */
export const SECRET_WORD = /(--?[\w-]{0,64}(?:password|passwd|secret|token)=)[^\s"]{1,4096}/i;

/** Text without the password of a URL in it, also of one that was cut with `…` before its `@`. */
export function withoutCredentials(text: string): string {
  return text.replace(/(\/\/[^/:@\s]{0,256}:)[^\s…]{0,4096}(@|…)/g, `$1${HIDDEN}$2`);
}

/** What a key for a secret may have become by a slip of the finger; only for hiding, where too much does no harm. */
const LIKE_SECRET = /pas+|pwd|secret|token|credential|webhook|api_?key/i;

/**
 * Where a text has secrets: values of secret keys, passwords in URLs and command lines; in comments too. In broken JSON
 * (`broken`) nobody knows where a value ends, so everything after such a key is one, to the end of its line.
 */
export function secretRanges(text: string, tree: Node | undefined, broken: boolean): Range[] {
  const ranges: Range[] = [];
  for (const match of text.matchAll(/"([^"\\\n]{1,64})"\s*:\s*"((?:[^"\\\n]|\\.)*)/g)) {
    const [whole, key = '', value = ''] = match;
    const to = match.index + whole.length;
    if (LIKE_SECRET.test(key) && !isFile(key)) ranges.push([to - value.length, to]);
  }
  for (const match of text.matchAll(/(\/\/[^/:@\s"]{0,256}:)([^\s"]{0,4096})@/g)) {
    const from = match.index + (match[1]?.length ?? 0);
    ranges.push([from, from + (match[2]?.length ?? 0)]);
  }
  // A proxy or source without a scheme: `"user:password@host…"`.
  for (const match of text.matchAll(/("[^"/:@\s]{1,256}:)([^"/\s]{1,4096})@/g)) {
    const from = match.index + (match[1]?.length ?? 0);
    ranges.push([from, from + (match[2]?.length ?? 0)]);
  }
  for (const match of text.matchAll(new RegExp(SECRET_WORD, 'gi'))) {
    ranges.push([match.index + (match[1] ?? '').length, match.index + match[0].length]);
  }
  if (broken) {
    for (const match of text.matchAll(new RegExp(`(?:${LIKE_SECRET.source})\\w*"?`, 'gi'))) {
      const newline = text.indexOf('\n', match.index);
      ranges.push([match.index + match[0].length, newline < 0 ? text.length : newline]);
    }
  }
  if (tree) collect(tree, text, ranges);
  return ranges;
}

/** Replaces what lies in the ranges by `*`, the same number of them, so that columns stay; `offset` is where the piece starts. */
export function masked(piece: string, offset: number, ranges: readonly Range[]): string {
  let text = piece;
  for (const [start, end] of ranges) {
    const from = Math.max(0, start - offset);
    const to = Math.min(piece.length, end - offset);
    if (from < to) text = text.slice(0, from) + '*'.repeat(to - from) + text.slice(to);
  }
  return text;
}

/** The tree sees what the patterns cannot: escaped keys, comments between key and value, lists under a secret key. */
function collect(node: Node, text: string, ranges: Range[]): void {
  if (node.type === 'property') {
    const [key, value] = node.children ?? [];
    if (key && value && LIKE_SECRET.test(String(key.value)) && !isFile(String(key.value))) {
      const end = value.offset + value.length;
      const quoted = value.type === 'string' && value.length > 1 && text[end - 1] === '"';
      ranges.push(quoted ? [value.offset + 1, end - 1] : [value.offset, end]);
    }
    if (value) collect(value, text, ranges);
    return;
  }
  for (const child of node.children ?? []) collect(child, text, ranges);
}
