import { dirname } from 'node:path';
import type { Account } from '../boundary/as-user.js';
import type { Layout } from '../job/layout.js';
import { sha256 } from '../system/digest.js';
import { FILE_LIMIT_BYTES, type Reader, type System } from '../system/system.js';
import type { Operation } from './operation.js';

const FORMAT = 'mirror/journal/3';

/** What lay at a path before an apply. */
type Saved =
  | { readonly kind: 'absent' | 'directory' }
  | {
      readonly kind: 'file';
      readonly mode: number;
      readonly content: string;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly kind: 'link'; readonly target: string };

/** What an apply puts there; a secret's content is not remembered. */
type Intended =
  | { readonly kind: 'absent' | 'directory' | 'secret' }
  | { readonly kind: 'file'; readonly sha256: string }
  | { readonly kind: 'link'; readonly target: string };

/** A path that an apply changes. */
export interface Entry {
  readonly path: string;
  readonly before: Saved;
  readonly after: Intended;
}

/**
 * What an apply is about to do and what was there: written before its first change, removed when all is done. While it
 * exists, `rollback` leads back to the state before, whoever died in between. Readable by root only.
 */
export interface Journal {
  readonly format: typeof FORMAT;
  /** Layout's root: the paths are absolute, and a copied journal would undo another installation. */
  readonly root: string;
  /** Directories that must be there before the state and the files. */
  readonly places: readonly Entry[];
  /** What lies in the state directory, in the words of its user: put back by that user's process only. */
  readonly state: { readonly account: Account | null; readonly entries: readonly Entry[] };
  readonly files: readonly Entry[];
  /** Units that the apply starts and stops. */
  readonly start: readonly string[];
  readonly stop: readonly string[];
}

/** What an apply does, for its journal. */
export interface Transaction {
  readonly places: readonly Operation[];
  readonly state: Journal['state'];
  readonly files: readonly Operation[];
  readonly start: readonly string[];
  readonly stop: readonly string[];
}

export function journalPath(layout: Layout): string {
  return `${layout.compiled}/journal.json`;
}

/** Looks at what lies where the operations go. */
export function makeJournal({ root }: Layout, transaction: Transaction, system: Reader): Journal {
  const { places, files } = transaction;
  return {
    ...transaction,
    format: FORMAT,
    root,
    places: entriesFor(places, system),
    files: entriesFor(files, system),
  };
}

/** What lies where operations go, and what they put there. Throws if it is neither a file, a link nor a directory. */
export function entriesFor(operations: readonly Operation[], system: Reader): Entry[] {
  const changing = operations.filter((operation) => operation.kind !== 'hand-over');
  return changing.map((operation) => ({
    path: operation.path,
    before: saved(operation.path, system),
    after: intended(operation),
  }));
}

/** Directories that the operations need and that are missing, outermost first, as operations of their own. */
export function missingParents(operations: readonly Operation[], system: Reader): Operation[] {
  const made = new Set(
    operations.flatMap((operation) => (operation.kind === 'directory' ? [operation.path] : [])),
  );
  const parents: Operation[] = [];
  const need = (path: string): void => {
    if (made.has(path) || system.facts(path)) return;
    made.add(path);
    need(dirname(path));
    parents.push({ kind: 'directory', path, mode: 0o755 });
  };
  for (const { kind, path } of operations) if (kind !== 'unlink' && kind !== 'hand-over') need(dirname(path));
  return parents;
}

/** Throws, before anything is written, when `readJournal` could not read it: no apply could follow this one. */
export function writeJournal(layout: Layout, journal: Journal, system: System): void {
  const text = JSON.stringify(journal);
  if (Buffer.byteLength(text) > FILE_LIMIT_BYTES)
    throw new Error('what this apply would change is too large to be put back; apply in several steps');
  system.writeFile(journalPath(layout), text, 0o600);
}

/** The journal that a killed apply left here, or null. Throws when it cannot be understood: a person must look. */
export function readJournal(layout: Layout, system: Reader): Journal | null {
  const text = system.read(journalPath(layout));
  if (text === null) {
    if (system.actual(journalPath(layout)).kind === 'absent') return null;
    throw new Error(`${journalPath(layout)} cannot be read, and an earlier apply may have died: look at it`);
  }
  const journal = JSON.parse(text) as Partial<Journal>;
  if (journal.format !== FORMAT)
    throw new Error(`${journalPath(layout)} is of another version of mirror; apply with that one first`);
  if (journal.root !== layout.root)
    throw new Error(
      `${journalPath(layout)} was copied from the installation below ${journal.root || '/'}: remove it here`,
    );
  return journal as Journal;
}

/**
 * Puts back what was there, last change first. What somebody edited since is left alone: it is neither ours nor what
 * we found. Returns what could not be put back, one line each.
 */
export function restore(entries: readonly Entry[], system: System): string[] {
  const problems: string[] = [];
  system.together(() => {
    for (const entry of [...entries].reverse())
      try {
        putBack(entry, system);
      } catch (error) {
        problems.push(`${entry.path}: ${(error as Error).message}`);
      }
  });
  return problems;
}

function putBack({ path, before, after }: Entry, system: System): void {
  const now = saved(path, system);
  if (same(now, before) || !isOurs(now, after)) return;
  switch (before.kind) {
    case 'absent':
      if (after.kind === 'directory') system.removeDirectory(path);
      else system.unlink(path);
      return;
    case 'file':
      system.writeFile(path, before.content, before.mode, before);
      return;
    case 'link':
      system.symlink(path, before.target);
      return;
    case 'directory':
      return;
  }
}

function saved(path: string, system: Reader): Saved {
  const actual = system.actual(path);
  switch (actual.kind) {
    case 'absent':
    case 'link':
      return actual;
    case 'file': {
      const { uid = 0, gid = 0 } = system.facts(path) ?? {};
      return { ...actual, uid, gid };
    }
    case 'other':
      if (actual.what === 'directory') return { kind: 'directory' };
      throw new Error(`${path} is in the way: a ${actual.what}; move it away`);
  }
}

function same(a: Saved, b: Saved): boolean {
  const { kind } = a;
  if (kind === 'file')
    return (
      b.kind === kind && a.content === b.content && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid
    );
  return kind === 'link' ? b.kind === kind && a.target === b.target : b.kind === kind;
}

/** Whether what lies there now is what the apply put there, or nothing at all. */
function isOurs(now: Saved, after: Intended): boolean {
  if (now.kind === 'absent') return true;
  if (now.kind === 'file')
    return after.kind === 'secret' || (after.kind === 'file' && after.sha256 === sha256(now.content));
  return now.kind === 'link' ? after.kind === 'link' && after.target === now.target : after.kind === now.kind;
}

function intended(operation: Exclude<Operation, { kind: 'hand-over' }>): Intended {
  switch (operation.kind) {
    case 'write':
      return operation.secret ? { kind: 'secret' } : { kind: 'file', sha256: sha256(operation.content) };
    case 'link':
      return { kind: 'link', target: operation.target };
    case 'unlink':
      return { kind: 'absent' };
    case 'directory':
      return { kind: 'directory' };
  }
}
