const [BEGIN, END] = ['-----BEGIN PGP SIGNED MESSAGE-----\n', '\n-----BEGIN PGP SIGNATURE-----'];

/**
 * Returns the text that a clear-signed file signs (RFC 9580, section 7); a file that is not signed is its own text. Searches
 * by index, because a regular expression with two open ends takes quadratic time for a text of its own begin lines.
 */
export function clearText(file: string): string {
  const text = file.replaceAll('\r\n', '\n');
  const begin = text.startsWith(BEGIN) ? 0 : text.indexOf(`\n${BEGIN}`) + 1;
  if (!text.startsWith(BEGIN, begin)) return text;
  // An empty line ends the headers.
  const headers = text.indexOf('\n\n', begin);
  const end = text.indexOf(END, headers + 1);
  if (headers === -1 || end === -1) return text;
  const lines = text.slice(headers + 2, end).split('\n');
  return `${lines.map((line) => (line.startsWith('- ') ? line.slice(2) : line)).join('\n')}\n`;
}
