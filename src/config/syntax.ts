import { getNodePath, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import { pointer } from './pointer.js';

/** A syntax error, at an offset of the text. */
export interface SyntaxFinding {
  readonly code: string;
  readonly message: string;
  readonly help?: string;
  readonly offset: number;
  readonly length: number;
}

const MESSAGES: Readonly<Record<string, readonly [string, string?]>> = {
  InvalidSymbol: [
    'this is not JSON',
    'put text in double quotes; only `true`, `false`, `null` and numbers go without',
  ],
  InvalidNumberFormat: ['this is not a number'],
  PropertyNameExpected: ['expected a key in double quotes'],
  ValueExpected: ['expected a value'],
  ColonExpected: ['expected `:` after the key'],
  CommaExpected: ['expected `,` before this'],
  CloseBraceExpected: ['expected `}`'],
  CloseBracketExpected: ['expected `]`'],
  EndOfFileExpected: ['the config ends before this', 'remove the rest of the file'],
  InvalidCommentToken: ['this is not JSON', 'a comment starts with `//` or `/*`'],
  UnexpectedEndOfComment: ['the comment never ends', 'close it with `*/`'],
  UnexpectedEndOfString: ['the string never ends', 'close it with `"` on the same line'],
  UnexpectedEndOfNumber: ['this is not a number'],
  InvalidUnicode: ['`\\u` needs four hexadecimal digits'],
  InvalidEscapeCharacter: ['unknown escape in a string', 'a backslash is written `\\\\`'],
  InvalidCharacter: ['control character in a string', 'write a line break as `\\n`, a tab as `\\t`'],
};

/** The first syntax error of a text, in words; the ones after it mostly follow from it. */
export function syntaxFinding(text: string, errors: readonly ParseError[]): SyntaxFinding {
  const end = text.trimEnd().length;
  const first = errors.reduce<ParseError | null>((a, b) => (a && a.offset <= b.offset ? a : b), null);
  if (first === null) return { code: 'syntax', message: 'this is not JSON', offset: 0, length: 1 };
  const name = printParseErrorCode(first.error);
  const cutString = name === 'UnexpectedEndOfString' && first.offset + first.length >= end;
  if (first.offset >= end || cutString) {
    const message = 'the file ends in the middle of the config';
    return {
      code: 'truncated',
      message,
      help: 'it may have been cut off when it was copied',
      offset: end - 1,
      length: 1,
    };
  }
  const [message, help] = MESSAGES[name] ?? ['this is not JSON'];
  return {
    code: 'syntax',
    message,
    ...(help === undefined ? {} : { help }),
    offset: first.offset,
    length: first.length,
  };
}

/** A key that an object has again: the first place, and the further one. */
export interface DuplicateKey {
  readonly key: string;
  readonly pointer: string;
  readonly first: Node;
  readonly again: Node;
}

/** Keys that an object has more than once. */
export function duplicateKeys(tree: Node | undefined): DuplicateKey[] {
  const found: DuplicateKey[] = [];
  const visit = (node: Node): void => {
    if (node.type === 'object') {
      const seen = new Map<string, Node>();
      for (const member of node.children ?? []) {
        const name = member.children?.[0];
        if (!name) continue;
        const first = seen.get(String(name.value));
        if (first)
          found.push({ key: String(name.value), pointer: pointer(...getNodePath(name)), first, again: name });
        else seen.set(String(name.value), name);
      }
    }
    for (const child of node.children ?? []) visit(child);
  };
  if (tree) visit(tree);
  return found;
}
