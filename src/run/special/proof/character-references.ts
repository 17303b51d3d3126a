/** The references to characters that generators of XML and HTML write, `&amp;` last: what it gives begins no other. */
const CHARACTERS = [
  ['&quot;', '"'],
  ['&#x27;', "'"],
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&amp;', '&'],
] as const;

/** The text that an attribute of XML or HTML stands for. */
export function unescaped(text: string): string {
  return CHARACTERS.reduce((said, [reference, character]) => said.replaceAll(reference, character), text);
}
