/**
 * Text as one word of lftp's command language: in double quotes nothing but `"` and the backslash means anything, and a
 * backslash takes that away. The text has no control characters: a line end would end a comment, not a word.
 */
export function lftpWord(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
