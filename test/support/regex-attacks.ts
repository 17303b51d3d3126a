/** A text of about that many characters. */
export type Attack = (length: number) => string;

/**
 * Texts that are as bad as a text can be for a regular expression: its own pieces over and over, after what has to come
 * before them and without what would end them. A backtracking matcher takes quadratic time or worse for one of them if it
 * can for any text.
 */
export function attacksOn(pattern: RegExp): Attack[] {
  const attacks = new Map<string, Attack>();
  const first = parse(pattern.source, (members) => members[0] ?? '');
  const last = parse(pattern.source, (members) => members.at(-1) ?? '');
  for (const tokens of [...first.slice(0, MAX_BRANCHES), ...last.slice(0, MAX_BRANCHES)]) {
    const join = (from: number, to: number): string => tokens.slice(from, to).join('');
    for (let from = 0; from < tokens.length; from += 1) {
      for (let to = from + 1; to <= tokens.length; to += 1) {
        const [before, piece, after] = [join(0, from), join(from, to), join(to, tokens.length)];
        const run = (length: number): string => before + piece.repeat(Math.ceil(length / piece.length));
        attacks.set(`${before}|${piece}`, run);
        // What follows is looked through for an end again and again.
        attacks.set(`${before}|${piece}|`, (length) => `${run(length / 2)}\n${'x'.repeat(length / 2)}`);
        if (to - from < 3)
          attacks.set(
            `${before}|${piece}|${after}`,
            (length) => `${run(length / 2)}${after}\n${'x'.repeat(length / 2)}`,
          );
      }
    }
  }
  return [...attacks.values()];
}

/** Branches of one group, and of the whole expression, that are looked at. */
const MAX_OPTIONS = 6;
const MAX_BRANCHES = 60;

/** A literal text, or what stands for a class; neighbouring literals become one piece. */
interface Token {
  readonly text: string;
  readonly isLiteral: boolean;
}

/**
 * Branches of an expression, each as the texts that its parts match: literals as they are, one character for a class. `pick`
 * chooses that character among those that the class has.
 */
function parse(source: string, pick: (members: readonly string[]) => string): string[][] {
  let at = 0;
  const branches = (): Token[][] => {
    const all: Token[][] = [];
    let current: Token[][] = [[]];
    while (at < source.length && source[at] !== ')') {
      if (source[at] === '|') {
        at += 1;
        all.push(...current);
        current = [[]];
        continue;
      }
      const options = atom();
      current = current.flatMap((before) =>
        options.slice(0, MAX_OPTIONS).map((option) => [...before, ...option]),
      );
      current = current.slice(0, MAX_OPTIONS);
    }
    return [...all, ...current];
  };
  const member = (set: string): Token[][] => {
    const pattern = new RegExp(`^${set}$`);
    const members = ['a', '1', ' ', 'A', ':', '.', '-', '[', '%', '\n', '/'].filter((char) =>
      pattern.test(char),
    );
    return [[{ text: members.length === 0 ? '~' : pick(members), isLiteral: false }]];
  };
  const literal = (text: string): Token[][] => [[{ text, isLiteral: true }]];
  const atom = (): Token[][] => {
    const char = source[at] ?? '';
    at += 1;
    if (char === '(') {
      const [head = ''] = /^\?(?:[:=!]|<[=!])/.exec(source.slice(at)) ?? [];
      at += head.length;
      const inner = branches();
      at += 1;
      return quantified(inner);
    }
    if (char === '[') {
      const [set = ''] = /^\^?(?:\\.|[^\]\\])*\]/.exec(source.slice(at)) ?? [];
      at += set.length;
      return quantified(member(`[${set}`));
    }
    if (char === '^' || char === '$') return [[]];
    if (char === '.') return quantified(member('.'));
    if (char !== '\\') return quantified(literal(char));
    const escaped = source[at] ?? '';
    at += 1;
    if (/[bB\d]/.test(escaped) && escaped !== 'd') return [[]];
    if (/[dwsDWS]/.test(escaped)) return quantified(member(`\\${escaped}`));
    return quantified(literal(escaped === 'n' ? '\n' : escaped));
  };
  const quantified = (options: Token[][]): Token[][] => {
    const [whole = ''] = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(source.slice(at)) ?? [];
    at += whole.length;
    const least = Number(/^\{(\d+)/.exec(whole)?.[1] ?? 1);
    return options.map((option) => Array.from({ length: Math.max(1, least) }, () => option).flat());
  };
  return branches().map(merged);
}

function merged(tokens: readonly Token[]): string[] {
  const pieces: Token[] = [];
  for (const token of tokens) {
    const last = pieces.at(-1);
    if (last?.isLiteral && token.isLiteral)
      pieces[pieces.length - 1] = { ...last, text: last.text + token.text };
    else pieces.push(token);
  }
  return pieces.map(({ text }) => text);
}
