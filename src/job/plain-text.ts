/**
 * Characters that outside text (names of files, an upstream's words, what people write) must not bring to a terminal, a log
 * or a review: controls, which move the cursor and end lines; U+0085, U+2028 and U+2029, which end lines elsewhere; and
 * those that turn the direction of writing, by which one text reads as another.
 */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Returns the text with `sign` in the place of each unsafe character: it is one line, and as long as it was. */
export function toPlainText(text: string, sign = '?'): string {
  return text.replace(UNSAFE, sign);
}

/** Returns the text with unsafe characters written out (`\x1b`, `\u202e`), all but those in `kept`. */
export function escapeUnsafe(text: string, kept = '\n\t'): string {
  return text.replace(UNSAFE, (character) => (kept.includes(character) ? character : escaped(character)));
}

/** Returns a value as JSON in which every unsafe character is written out (`\\u202e`): for a terminal, and the same to parsers. */
export function jsonText(value: object, indent?: number): string {
  const text = JSON.stringify(value, null, indent);
  return text.replace(UNSAFE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Returns the text as one plain line: line ends and the blanks around them become one blank. */
export function toOneLine(text: string): string {
  const lines = text.split(/[\r\n]/).map((line) => line.trim());
  return toPlainText(lines.filter((line) => line !== '').join(' '));
}

/** The first unsafe character and its index, or null. */
export function findUnsafe(text: string): { readonly name: string; readonly index: number } | null {
  const index = text.search(UNSAFE);
  if (index < 0) return null;
  return { name: `U+${text.charCodeAt(index).toString(16).toUpperCase().padStart(4, '0')}`, index };
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`;
}
