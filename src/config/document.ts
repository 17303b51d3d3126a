import { isAscii } from 'node:buffer';
import { getLocation, parseTree, type Node, type ParseError } from 'jsonc-parser';
import type { Diagnostic, Finding, Place, Span } from '../diagnostics/diagnostic.js';
import { countKeys, MAX_DEPTH, MAX_STRING_BYTES, plainJson } from './json-text.js';
import { parent, pointer, segments } from './pointer.js';
import { joined, masked, secretRanges, type Range } from './secret-text.js';
import { duplicateKeys, syntaxFinding } from './syntax.js';
import { configBytes } from './text.js';

/** One config file: its value, and where in its text a pointer is. */
export interface Document {
  readonly path: string;
  /** undefined when the text is no JSON at all; then `diagnostics` says why. */
  readonly value: unknown;
  readonly diagnostics: readonly Diagnostic[];
  /** Whether `"append"` occurs in the text: most configs need no merging at all. */
  readonly appends: boolean;
  /** Position of a member or item, or of the nearest thing around it that exists. Null in a file without text. */
  locate(pointer: string, target: Place['target']): Span | null;
}

/**
 * Reads a document from bytes. The fast path is JSON.parse over a blanked copy and a count of the keys; the tree of
 * positions is built when something is wrong or asks for a position.
 */
export function readDocument(path: string, content: Uint8Array): Document {
  const bytes = configBytes(path, content);
  if (!(bytes instanceof Uint8Array)) return unreadable(path, bytes);
  const positions = lazily(() => new Positions(decode(bytes)));
  const appends = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('"append"');
  const locate: Document['locate'] = (pointer, target) => positions().find(pointer, target);
  const plain = plainJson(bytes);
  if (plain.tooLongAt !== null) {
    // What follows is not looked at: patterns that hide secrets would take all of it for one string.
    const before = decode(bytes.subarray(0, plain.tooLongAt));
    const message = `this text has more than ${MAX_STRING_BYTES / 1024} KiB`;
    const help = 'put what is that long into a file of its own';
    const span = new Positions(`${before}"…"`, null).at(before.length, 3);
    const diagnostic = located(path, span, 'too-long', message, help);
    return { path, value: undefined, diagnostics: [diagnostic], appends, locate: () => null };
  }
  if (plain.tooDeepAt !== null) {
    const offset = decode(bytes.subarray(0, plain.tooDeepAt)).length;
    const message = `the nesting is deeper than ${MAX_DEPTH} levels`;
    const diagnostic = located(path, new Positions(decode(bytes), null).at(offset, 1), 'too-deep', message);
    return { path, value: undefined, diagnostics: [diagnostic], appends, locate: () => null };
  }
  let value: unknown;
  try {
    value = JSON.parse(decode(plain.bytes));
  } catch {
    const { code, message, help, offset, length } = syntaxFinding(positions().text, positions().errors);
    const diagnostic = located(path, positions().at(offset, length), code, message, help);
    const place: Place = {
      file: path,
      pointer: pointer(...getLocation(positions().text, offset).path),
      target: 'value',
    };
    return { path, value: undefined, diagnostics: [{ ...diagnostic, place }], appends, locate };
  }
  const diagnostics = countKeys(value) === plain.keys ? [] : duplicates(path, positions());
  return { path, value, diagnostics, appends, locate };
}

/** A document for a file that has no usable text. */
export function unreadable(path: string, finding: Finding): Document {
  const place: Place = { file: path, pointer: '', target: 'value' };
  return { path, value: undefined, diagnostics: [{ ...finding, place }], appends: false, locate: () => null };
}

/** UTF-16 units of a line that a span shows whole. */
const LONG_LINE = 4096;

/** Positions of a text's members; the tree is tolerant, so it also works on broken JSON. */
class Positions {
  readonly errors: ParseError[] = [];
  readonly tree: Node | undefined;
  readonly #secrets: readonly Range[];
  readonly #lines: readonly number[];
  readonly #members = new WeakMap<Node, Map<string, Node>>();

  constructor(
    readonly text: string,
    tree?: null,
  ) {
    this.tree = tree === null ? undefined : parseTree(text, this.errors, { allowTrailingComma: true });
    this.#secrets = joined(secretRanges(text, this.tree, tree === null || this.errors.length > 0));
    const lines = [0];
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) lines.push(i + 1);
    this.#lines = lines;
  }

  find(pointer: string, target: Place['target']): Span | null {
    if (!this.tree) return null;
    const property = this.#walk(this.tree, segments(pointer));
    if (property === null) return this.find(parent(pointer), 'key');
    const isMember = property.type === 'property';
    const node = isMember ? (property.children?.[target === 'key' ? 0 : 1] ?? property) : property;
    const whole = pointer === '' || (target === 'key' && !isMember);
    return this.at(node.offset, whole ? 1 : node.length);
  }

  /** The span of a piece of text, cut at the end of its first line, secrets hidden. */
  at(offset: number, length: number): Span {
    let low = 0;
    let high = this.#lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lines[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const start = this.#lines[low] ?? 0;
    const next = this.#lines[low + 1];
    const lineEnd = next === undefined ? this.text.length : next - 1;
    const stop = lineEnd > start && this.text[lineEnd - 1] === '\r' ? lineEnd - 1 : lineEnd;
    const column = Math.min(offset, stop) - start;
    // Of a very long line only what is around: it would be copied for each diagnostic.
    const from = stop - start > LONG_LINE ? Math.max(start, start + column - LONG_LINE / 2) : start;
    const to = Math.min(stop, from + LONG_LINE);
    const end = Math.min(start + column + length, to);
    const { text, place } = masked(this.text.slice(from, to), from, this.#secrets);
    const shown = place(start + column - from);
    return {
      line: low + 1,
      column: column + 1,
      length: Math.max(1, place(end - from) - shown),
      text,
      ...(shown === column ? {} : { shown }),
    };
  }

  /** The member or item at a path: of equal keys the last, as JSON.parse has it. */
  #walk(root: Node, path: readonly string[]): Node | null {
    let node = root;
    for (const segment of path) {
      const value: Node | undefined = node.type === 'property' ? node.children?.[1] : node;
      const next =
        value?.type === 'object'
          ? this.#byKey(value).get(segment)
          : value?.type === 'array'
            ? value.children?.[Number(segment)]
            : undefined;
      if (!next) return null;
      node = next;
    }
    return node;
  }

  #byKey(object: Node): Map<string, Node> {
    let members = this.#members.get(object);
    if (!members) {
      members = new Map(
        (object.children ?? []).map((member) => [String(member.children?.[0]?.value), member]),
      );
      this.#members.set(object, members);
    }
    return members;
  }
}

function duplicates(path: string, positions: Positions): Diagnostic[] {
  return duplicateKeys(positions.tree).map(({ key, pointer: place, first, again }) => {
    const { line, column } = positions.at(first.offset, first.length);
    const help = `it is first set at ${line}:${column}; keep one of them`;
    const span = positions.at(again.offset, again.length);
    const diagnostic = located(path, span, 'duplicate-key', `\`${key}\` is there twice`, help);
    return { ...diagnostic, place: { file: path, pointer: place, target: 'key' } };
  });
}

function located(path: string, span: Span, code: string, message: string, help?: string): Diagnostic {
  const place: Place = { file: path, pointer: '', target: 'value' };
  return { code, severity: 'error', message, ...(help === undefined ? {} : { help }), place, span };
}

/** Most configs are ASCII, which needs no decoding. */
function decode(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString(isAscii(buffer) ? 'latin1' : 'utf8');
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
