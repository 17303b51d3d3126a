/** How a template makes text inert. */
type Quote = (text: string) => string;

/** The words of one unit, by the names of the holes they go into. */
export type Words = Readonly<Record<string, string>>;

/** A word that differs from unit to unit: in a view it stands where the text itself would. */
export class Hole {
  constructor(
    readonly name: string,
    readonly quoting = '',
  ) {}

  /** What is rendered in its place: no unit file holds the character, so the text can be cut there. */
  toString(): string {
    return `\0${this.name} ${this.quoting}\0`;
  }
}

/**
 * A form for thousands of units that differ in a few words. For each `rest` that differs in anything else, `render` is
 * called once; after that a unit is its words, quoted by the template's own helpers, between the pieces. Throws for a hole
 * without a word.
 */
export function stencil<Rest extends Readonly<Record<string, string | number | boolean | null>>>(
  render: (rest: Rest) => string,
  quotes: Readonly<Record<string, Quote>>,
): (rest: Rest, words: Words) => string {
  const forms = new Map<string, (words: Words) => string>();
  return (rest, words) => {
    let key = '';
    for (const name in rest) key += `${String(rest[name])}\0`;
    let form = forms.get(key);
    if (!form) {
      form = cut(render(rest), quotes);
      forms.set(key, form);
    }
    return form(words);
  };
}

function cut(text: string, quotes: Readonly<Record<string, Quote>>): (words: Words) => string {
  const parts = text.split('\0').map((part, i) => {
    if (i % 2 === 0) return part;
    const [name = '', quoting = ''] = part.split(' ');
    return { name, quote: quotes[quoting] };
  });
  // Joined, not added up: a text that many additions made is a tree, which costs whoever reads it.
  return (words) =>
    parts
      .map((part) => {
        if (typeof part === 'string') return part;
        const word = words[part.name];
        if (word === undefined) throw new Error(`no word for ${part.name}`);
        return part.quote ? part.quote(word) : word;
      })
      .join('');
}
