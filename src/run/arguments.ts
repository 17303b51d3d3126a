import { resolve } from 'node:path';

/** `mirror run [--scheduled] [--here] [--root DIR] [--allow-deletes N] [--dry-run [--transfer]] [--json] ID`. */
export interface RunArguments {
  readonly id: string;
  /** A timer or cron line started us: check whether a slot is due, and retry. */
  readonly scheduled: boolean;
  /** Run in this process even where a unit could be started. */
  readonly here: boolean;
  /** "" for the live system. */
  readonly root: string;
  readonly allowDeletes: number | null;
  readonly dryRun: boolean;
  /** With dryRun: run the tools' own dry runs, too. */
  readonly transfer: boolean;
  readonly json: boolean;
}

/** A mistake on the command line: exit 64. */
export class UsageError extends Error {}

/**
 * Parses what follows `mirror run`, by hand: a parser's library would cost more than the rest of the executor.
 * Throws UsageError.
 */
export function parseRunArguments(argv: readonly string[]): RunArguments {
  const flags = ['--scheduled', '--here', '--dry-run', '--transfer', '--json'];
  const { words, flag, value } = scan(argv, flags, ['--allow-deletes']);
  const parsed = {
    scheduled: flag('--scheduled'),
    here: flag('--here'),
    dryRun: flag('--dry-run'),
    transfer: flag('--transfer'),
    json: flag('--json'),
    root: rootDirectory(value('--root')),
    allowDeletes: count(value('--allow-deletes')),
  };
  const id = only(words);
  if (parsed.scheduled && parsed.allowDeletes !== null) {
    throw new UsageError('--allow-deletes is a person’s word: it does not go with --scheduled');
  }
  if (parsed.transfer && !parsed.dryRun) throw new UsageError('--transfer goes with --dry-run');
  return { id, ...parsed };
}

/** `mirror publish [--root DIR]`. Throws UsageError. */
export function parsePublishArguments(argv: readonly string[]): { root: string; json: boolean } {
  const { words, flag, value } = scan(argv, ['--json'], []);
  if (words.length > 0) throw new UsageError(`unexpected argument: ${words.join(' ')}`);
  return { json: flag('--json'), root: rootDirectory(value('--root')) };
}

interface Scan {
  readonly words: string[];
  readonly flag: (name: string) => boolean;
  readonly value: (name: string) => string | null;
}

/** The config has been compiled: that it is named is allowed, as everywhere, and nothing looks at it. */
const EVERYWHERE = ['--root', '--config', '-c'];

function scan(argv: readonly string[], flags: readonly string[], values: readonly string[]): Scan {
  const withValue = [...EVERYWHERE, ...values];
  const given = new Map<string, string | null>();
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      words.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      words.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    if (!withValue.includes(name)) {
      given.set(word, null);
      continue;
    }
    const next = equals < 0 ? argv[++i] : word.slice(equals + 1);
    if (next === undefined || next === '') throw new UsageError(`${name} needs a value`);
    given.set(name, next);
  }
  const known = [...withValue, ...flags];
  for (const name of given.keys()) if (!known.includes(name)) throw new UsageError(`unknown option: ${name}`);
  return { words, flag: (name) => given.has(name), value: (name) => given.get(name) ?? null };
}

function only(words: readonly string[]): string {
  if (words.length === 1 && words[0] !== undefined) return words[0];
  throw new UsageError(words.length === 0 ? 'which package? mirror run ID' : 'one package at a time');
}

function rootDirectory(text: string | null): string {
  if (text === null) return '';
  const path = resolve(text);
  return path === '/' ? '' : path;
}

function count(text: string | null): number | null {
  if (text === null) return null;
  if (!/^\d{1,15}$/.test(text)) throw new UsageError('--allow-deletes needs a whole number');
  return Number(text);
}
