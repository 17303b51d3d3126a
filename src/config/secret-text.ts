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

/** The password of a URL, also of one that was cut with `…` before its `@`. */
const IN_URL = /(\/\/[^/:@\s]{0,256}:)[^\s…]{0,4096}(@|…)/g;

/** The password of a proxy or source without a scheme: `user:password@host…`. */
const BEFORE_HOST = /((?:^|[\s`"'(=])[^\s/:@`"]{1,256}:)(?!\/\/)[^\s…]{1,4096}@/g;

/** Whether a text has a URL with a password. Without a scheme nobody can tell: `mailto:ops@example.org` has none. */
export function hasPasswordInUrl(text: string): boolean {
  return text.replace(IN_URL, `$1${HIDDEN}$2`) !== text;
}

/** Text without the passwords before the hosts in it. */
export function withoutCredentials(text: string): string {
  return text.replace(IN_URL, `$1${HIDDEN}$2`).replace(BEFORE_HOST, `$1${HIDDEN}@`);
}

/** A key for a name, behind which some write the password too: `user:password`. */
const NAMES_USER = /user/i;

/** The value of a key that is itself no secret's, without those in it. */
export function shownValue(key: string, text: string): string {
  return NAMES_USER.test(key) ? text.replace(/:[^]+/, `:${HIDDEN}`) : withoutCredentials(text);
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
  for (const match of text.matchAll(/(\/\/[^/:@\s"]{0,256}:)((?:[^"\\\n]|\\.){0,4096})@/g)) {
    const from = match.index + (match[1]?.length ?? 0);
    ranges.push([from, from + (match[2]?.length ?? 0)]);
  }
  // As `BEFORE_HOST` and `NAMES_USER`, in the text of the config.
  for (const match of text.matchAll(/("[^\S\n]*[^"/:@\s]{1,256}:)(?!\/\/)((?:[^"\\\n]|\\.){1,4096})@/g)) {
    const from = match.index + (match[1]?.length ?? 0);
    ranges.push([from, from + (match[2]?.length ?? 0)]);
  }
  for (const match of text.matchAll(/"([^"\\\n]{1,64})"\s*:\s*"[^":\\\n]{0,256}:((?:[^"\\\n]|\\.)+)/g)) {
    const [whole, key = '', secret = ''] = match;
    const to = match.index + whole.length;
    if (NAMES_USER.test(key)) ranges.push([to - secret.length, to]);
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

/** A piece of a text whose secrets are hidden, and where in it a place of the piece is now. */
export interface Masked {
  readonly text: string;
  readonly place: (at: number) => number;
}

/**
 * Puts `HIDDEN` in the place of each secret that lies in the piece: the same number of stars for all, because the length
 * of a password helps to guess it. `offset` is where the piece starts; the ranges are as `joined` returns them.
 */
export function masked(piece: string, offset: number, ranges: readonly Range[]): Masked {
  const hidden: Range[] = [];
  for (let index = firstAfter(ranges, offset); index < ranges.length; index += 1) {
    const [from, to] = ranges[index] ?? [Infinity, Infinity];
    if (from >= offset + piece.length) break;
    hidden.push([Math.max(0, from - offset), Math.min(piece.length, to - offset)]);
  }
  let text = '';
  let done = 0;
  for (const [from, to] of hidden) {
    text += piece.slice(done, from) + HIDDEN;
    done = to;
  }
  return {
    text: text + piece.slice(done),
    place: (at) => {
      let shift = 0;
      for (const [from, to] of hidden) {
        if (at <= from) break;
        if (at < to) return from + shift + HIDDEN.length;
        shift += HIDDEN.length - (to - from);
      }
      return at + shift;
    },
  };
}

/** Index of the first range that ends behind an offset. */
function firstAfter(ranges: readonly Range[], offset: number): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.[1] ?? Infinity) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Returns ranges in order, those that touch or overlap as one, empty ones left out. */
export function joined(ranges: readonly Range[]): Range[] {
  const found: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (from >= to) continue;
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
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
