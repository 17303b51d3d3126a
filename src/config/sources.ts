import { dirname, posix } from 'node:path';
import type { Diagnostic, Finding } from '../diagnostics/diagnostic.js';
import { findBounds, type Bounds, type Permission } from './bounds.js';
import { readDocument, unreadable, type Document } from './document.js';
import { escapeSegment, pointer } from './pointer.js';
import { ConfigFileError, type ConfigReader } from './reader.js';

/** One package as some file defines it. */
export interface Definition {
  readonly id: string;
  readonly document: Document;
  /** Where in that document. */
  readonly pointer: string;
  readonly raw: unknown;
}

/** The config's files, read. */
export interface Sources {
  readonly main: Document;
  readonly documents: ReadonlyMap<string, Document>;
  /** By id: the main file's first, then those of the included files in the order of their paths. */
  readonly packages: ReadonlyMap<string, Definition>;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads the main file and what it includes. An include pattern is relative to the file it stands in; one that matches
 * nothing is an error, because a typing mistake must not remove packages, and so is one that leads out of the config's
 * bounds. Throws ConfigFileError 66.
 */
export function readSources(reader: ConfigReader, path: string, permission: Permission): Sources {
  const bounds = findBounds(reader, path, permission);
  const main = bounds.refusal ? unreadable(path, bounds.refusal) : open(reader, path);
  const documents = new Map([[path, main]]);
  const packages = new Map<string, Definition>();
  const diagnostics: Diagnostic[] = [...main.diagnostics];
  define(main, '/packages', member(main.value, 'packages'), packages, diagnostics);
  const include = member(main.value, 'include');
  for (const [index, pattern] of (Array.isArray(include) ? include : []).entries()) {
    if (typeof pattern !== 'string' || !/^\S/.test(pattern)) continue;
    const absolute = posix.resolve(dirname(path), pattern);
    const found = isInBounds(absolute, bounds) ? reader.glob(absolute) : null;
    const outside = found?.find((match) => !bounds.hasFile(match));
    if (found === null || outside !== undefined) {
      diagnostics.push(leadsOutside(main, pattern, index, bounds, outside));
      continue;
    }
    const matches = found.filter((match) => match !== path);
    if (matches.length === 0) diagnostics.push(noMatch(main, pattern, index, found.length > 0));
    for (const match of matches) {
      if (documents.has(match)) continue;
      const document = open(reader, match);
      documents.set(match, document);
      diagnostics.push(...document.diagnostics);
      if (document.value !== undefined) define(document, '', document.value, packages, diagnostics);
    }
  }
  return { main, documents, packages, diagnostics };
}

/** A member of a value that may be no object at all. */
export function member(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function open(reader: ConfigReader, path: string): Document {
  try {
    return readDocument(path, reader.read(path));
  } catch (error) {
    if (!(error instanceof ConfigFileError) || error.code !== 78) throw error;
    return unreadable(path, { code: 'too-large', severity: 'error', message: `the file ${error.reason}` });
  }
}

function define(
  document: Document,
  base: string,
  value: unknown,
  packages: Map<string, Definition>,
  diagnostics: Diagnostic[],
): void {
  if (!isObject(value)) {
    // The main file's `packages` is the schema's to check.
    if (base === '') {
      const message = 'an included file is an object of packages by id';
      const help = '`{ "<id>": { … }, … }`, as below `packages`';
      diagnostics.push(at(document, '', 'value', { code: 'wrong-type', severity: 'error', message, help }));
    }
    return;
  }
  const refuse = (place: string, target: 'key' | 'value', message: string, help: string): void => {
    diagnostics.push(
      at(document, place, target, { code: 'include-config', severity: 'error', message, help }),
    );
  };
  if (base === '' && isWholeConfig(value)) {
    const help = 'narrow the pattern in `include` so that it does not match this file';
    refuse('', 'value', 'this is a whole config, and an included file holds packages only', help);
    return;
  }
  if (base === '' && isWrapped(value)) {
    const help = 'take `packages` and its braces away: `{ "<id>": { … }, … }`';
    refuse('/packages', 'key', 'an included file has its packages right in it, not below `packages`', help);
    return;
  }
  for (const [id, raw] of Object.entries(value)) {
    // Notes, and the key that editors want in every file.
    if (id.startsWith('_') || (base === '' && id === '$schema')) continue;
    const place = `${base}/${escapeSegment(id)}`;
    const other = packages.get(id);
    if (other) diagnostics.push(twice(document, place, id, other));
    else packages.set(id, { id, document, pointer: place, raw });
  }
}

/** The main config under another name, or another site's: its keys are no packages. */
function isWholeConfig(value: Record<string, unknown>): boolean {
  return isObject(value.settings) && typeof value.mirrorname === 'string';
}

/** Packages in an object of their own, as the main file has them, and no package of that name. */
function isWrapped({ packages }: Record<string, unknown>): boolean {
  if (!isObject(packages) || Object.keys(packages).length === 0) return false;
  return Object.values(packages).every(isObject) && !Object.hasOwn(packages, 'settings');
}

function twice(document: Document, place: string, id: string, other: Definition): Diagnostic {
  const span = other.document.locate(other.pointer, 'key');
  const where = `${other.document.path}${span ? `:${span.line}:${span.column}` : ''}`;
  return at(document, place, 'key', {
    code: 'duplicate-package',
    severity: 'error',
    message: `the package \`${id}\` is defined twice`,
    help: `it is also defined at ${where}; keep one of them`,
  });
}

/** Whether files that an absolute pattern matches may be looked for: its part before the first wildcard is in the bounds. */
function isInBounds(pattern: string, bounds: Bounds): boolean {
  const parts = pattern.split('/');
  const wild = parts.findIndex((part) => /[*?]/.test(part));
  const fixed = parts.slice(0, wild < 0 ? parts.length : wild).join('/') || '/';
  return bounds.hasPath(fixed) && bounds.hasFile(fixed);
}

/** `match` is named only if it is a link beside the config: names of a directory that lies elsewhere are not the config's. */
function leadsOutside(
  document: Document,
  pattern: string,
  index: number,
  bounds: Bounds,
  match: string | undefined,
): Diagnostic {
  const isLink = match !== undefined && bounds.hasFile(dirname(match));
  return at(document, pointer('include', index), 'value', {
    code: 'include-outside',
    severity: 'error',
    message: `\`${pattern}\` leads out of the config's directory${isLink ? ` by the link ${match}` : ''}`,
    help: `keep the files below ${bounds.directory}, or allow their directory: \`--allow-outside DIR\``,
  });
}

function noMatch(document: Document, pattern: string, index: number, matchesItself: boolean): Diagnostic {
  return at(document, pointer('include', index), 'value', {
    code: 'include-empty',
    severity: 'error',
    message: matchesItself
      ? `\`${pattern}\` matches no other file than this one`
      : `no file matches \`${pattern}\``,
    help: matchesItself
      ? 'keep the packages in files of their own: `packages.d/*.json`'
      : `paths are relative to ${dirname(document.path)}`,
  });
}

function at(document: Document, place: string, target: 'key' | 'value', finding: Finding): Diagnostic {
  const span = document.locate(place, target);
  return { ...finding, place: { file: document.path, pointer: place, target }, ...(span ? { span } : {}) };
}
