import type { Entry } from './journal.js';
import type { Operation } from './operation.js';
import type { PreparedState } from './prepare-state.js';

/** Lines for people that an answer may have, and characters of one. */
const MAX_LINES = 1000;
const MAX_CHARACTERS = 1000;

/**
 * Takes an answer of the state half for what it says. The user whose process gave it may have chosen every byte: what is
 * not of the expected form is an error, and lines for people are cut short. Throws.
 */
export function parsePrepared(value: unknown): PreparedState {
  const { operations, entries, messages } = (value ?? {}) as Partial<Record<keyof PreparedState, unknown>>;
  if (!isListOf(operations, isOperation) || !isListOf(entries, isEntry))
    throw new Error('the process for the states gave an answer that cannot be understood');
  return { operations, entries, messages: parseProblems(messages) };
}

/** The same for lines for people. Throws. */
export function parseProblems(value: unknown): string[] {
  if (!isListOf(value, isText))
    throw new Error('the process for the states gave an answer that cannot be understood');
  return value.slice(0, MAX_LINES).map((line) => line.slice(0, MAX_CHARACTERS));
}

function isOperation(value: unknown): value is Operation {
  const { kind, path, content, mode } = (value ?? {}) as Record<string, unknown>;
  return (
    isText(path) && (kind === 'unlink' || (kind === 'write' && isText(content) && Number.isInteger(mode)))
  );
}

function isEntry(value: unknown): value is Entry {
  const { path, before, after } = (value ?? {}) as Record<string, unknown>;
  const kinds = [before, after].map((saved) => (saved as { kind?: unknown } | null)?.kind);
  return isText(path) && kinds.every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isListOf<T>(value: unknown, isOne: (one: unknown) => one is T): value is T[] {
  return Array.isArray(value) && value.every(isOne);
}
