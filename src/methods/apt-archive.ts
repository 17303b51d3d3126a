import type { ProveAptArchiveStep } from '../job/proof-step.js';
import type { Step } from '../job/step.js';
import { cacheDirectory } from './method.js';
import type { MethodContext } from './method.js';

/** Words with which rsync leaves out files by rules that are not read here. */
const RULES =
  /^(--(exclude$|exclude-from|include|include-from|filter|files-from|max-size|min-size|cvs-exclude|existing|ignore-existing)\b|-[A-Za-z]*[fFC])/;

/** How a package chooses among the files of its upstream. */
export interface ArchiveFilters {
  /** Patterns of rsync that are left out. */
  readonly exclude: readonly string[];
  /** Other words that may leave out files. */
  readonly words: readonly string[];
  /** Settings of a tool that leaves out an index and what it names together. */
  readonly settings?: readonly string[];
}

/** Proves a whole archive of apt, before its index in `held` is published, or in dst if it is published already. */
export function proveArchive(context: MethodContext, held: string | null, filters: ArchiveFilters): Step[] {
  const words = filters.words.filter((word) => word.startsWith('--exclude=') || RULES.test(word));
  const excluded = words.flatMap((word) => /^--exclude=(.+)/s.exec(word)?.[1] ?? []);
  const step: ProveAptArchiveStep = {
    kind: 'prove-apt-archive',
    held,
    record: `${context.cache}/proved-archive`,
    filters: [
      ...filters.exclude.map((pattern) => `--exclude=${pattern}`),
      ...words,
      ...(filters.settings ?? []),
    ],
    left_out: words.some((word) => RULES.test(word)) ? null : [...filters.exclude, ...excluded].map(leftOut),
  };
  return [cacheDirectory(context), step];
}

/** An exclude pattern of rsync as a regular expression of all paths that it leaves out, what is in a directory too. */
export function leftOut(pattern: string): string {
  const anchor = pattern.startsWith('/') ? '^' : '(^|/)';
  const text = pattern
    .replace(/^\/|\/(\*\*\*)?$/g, '')
    .replace(/[.+^$()|{}\\]/g, '\\$&')
    .replace(/\[!/g, '[^')
    .replace(/\*\*|\*|\?/g, (glob) => ({ '**': '.*', '*': '[^/]*', '?': '[^/]' })[glob] ?? '');
  return `${anchor}${text}(/|$)`;
}
