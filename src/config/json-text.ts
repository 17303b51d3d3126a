const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const STAR = 0x2a;
const NEWLINE = 0x0a;
const COMMA = 0x2c;
const COLON = 0x3a;
const BLANK = 0x20;

/** Deeper than this is no config, and would exhaust the stack of whatever walks it. */
export const MAX_DEPTH = 200;

/** Bytes of a string or key: more is no config, and would exhaust the stack of the patterns that look at it. */
export const MAX_STRING_BYTES = 64 * 1024;

/** JSON with comments and trailing commas, made plain without moving anything. */
export interface PlainJson {
  /** The same bytes where there was nothing to blank. */
  readonly bytes: Uint8Array;
  /** Colons outside strings: the number of keys the text has, duplicates counted. */
  readonly keys: number;
  /** Byte offset where the nesting passes MAX_DEPTH, or null. */
  readonly tooDeepAt: number | null;
  /** Byte offset of the first string of more than MAX_STRING_BYTES, or null. */
  readonly tooLongAt: number | null;
}

/**
 * One pass over UTF-8 text: blanks comments and trailing commas (offsets stay), counts keys, measures the nesting.
 * Anything else that is wrong is left for the JSON parser to find.
 */
export function plainJson(source: Uint8Array): PlainJson {
  let bytes = source;
  let keys = 0;
  let depth = 0;
  let tooDeepAt: number | null = null;
  let tooLongAt: number | null = null;
  let last = -1;
  let beforeLast = -1;
  const blank = (from: number, to: number): void => {
    if (bytes === source) bytes = Uint8Array.from(source);
    for (let i = from; i < to; i += 1) if (source[i] !== NEWLINE) bytes[i] = BLANK;
  };
  const end = source.length;
  for (let i = 0; i < end; i += 1) {
    const byte = source[i] ?? 0;
    if (byte <= BLANK) continue;
    if (byte === QUOTE) {
      const start = i;
      for (i += 1; i < end && source[i] !== QUOTE; i += 1) if (source[i] === BACKSLASH) i += 1;
      if (i - start > MAX_STRING_BYTES) tooLongAt ??= start;
      beforeLast = last;
      last = start;
      continue;
    }
    if (byte === SLASH) {
      const close = endOfComment(source, i);
      if (close > i) {
        blank(i, close);
        i = close - 1;
        continue;
      }
    } else if (byte === COLON) {
      keys += 1;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > MAX_DEPTH) tooDeepAt ??= i;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      // A comma right after an opening bracket, a colon or another comma is no trailing comma but a mistake.
      if (source[last] === COMMA && endsValue(source[beforeLast])) blank(last, last + 1);
    }
    beforeLast = last;
    last = i;
  }
  return { bytes, keys, tooDeepAt, tooLongAt };
}

/** Number of members of all objects in a value: what `keys` must be when no key is there twice. */
export function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countKeys(item);
    return count;
  }
  // Parsed JSON inherits no enumerable key.
  for (const key in value) {
    const member: unknown = (value as Record<string, unknown>)[key];
    count += typeof member === 'object' ? 1 + countKeys(member) : 1;
  }
  return count;
}

function endsValue(byte: number | undefined): boolean {
  return byte !== undefined && byte !== COMMA && byte !== COLON && byte !== 0x7b && byte !== 0x5b;
}

/** Offset after the comment that starts at `at`, or `at` when none does or it never ends. */
function endOfComment(source: Uint8Array, at: number): number {
  if (source[at + 1] === SLASH) {
    const newline = source.indexOf(NEWLINE, at);
    return newline < 0 ? source.length : newline;
  }
  if (source[at + 1] !== STAR) return at;
  for (let i = at + 2; i + 1 < source.length; i += 1) {
    if (source[i] === STAR && source[i + 1] === SLASH) return i + 2;
  }
  return at;
}
