import type { Package } from '../model/site.js';
import { sourceForm } from '../model/source.js';
import { mistake, refusedSources, schemeOf } from './findings.js';
import type { PackageFinding } from './method.js';
import { endpoint } from './rsync-connection.js';
import { DELETES, readRsyncWords } from './rsync-words.js';
import type { RsyncWord } from './rsync-words.js';

const SOURCES = 'give `rsync://host/module`, `host::module`, `user@host:/path` (ssh) or an absolute path';

/** Sources that rsync cannot read from, and none at all. */
export function sourceFindings(pkg: Package): PackageFinding[] {
  return refusedSources(pkg, SOURCES, ({ url, publicUrl }) => {
    if (endpoint(url) !== null) return null;
    if (/^rsync:\/\/[^/]+\/?$/i.test(url) || sourceForm(url) === 'no-module')
      return ['source-module', `\`${publicUrl}\` names no module`];
    const scheme = schemeOf(url);
    const cannot =
      scheme === undefined ? `cannot read from \`${publicUrl}\`` : `does not speak \`${scheme}\``;
    return ['source-scheme', `rsync ${cannot}`];
  });
}

/** An exit that says that the delete guard stopped deletions is never accepted, so nobody is to think that it is. */
export function exitFindings({ acceptExit }: Package): PackageFinding[] {
  if (!Object.hasOwn(acceptExit, '25')) return [];
  const message = '25 is how rsync says that the delete guard stopped deletions, which blocks the package';
  const help = 'take it out: `mirror run ID --allow-deletes N` lets a person say how many are right';
  return [{ ...mistake('accept-exit', '/accept_exit/25', message, help), target: 'key' }];
}

/** Markers become anchored exclude patterns and file names in dst: plain relative paths only. */
export function markerFindings(pkg: Package): PackageFinding[] {
  if (!pkg.precheck) return [];
  const isLegacy = pkg.precheck.file === pkg.options.fftsfile;
  const names: (readonly [string, string])[] = [
    [pkg.precheck.file, isLegacy ? '/settings/options/fftsfile' : '/precheck/file'],
    ...pkg.precheck.always.map((name, i) => [name, `/precheck/always/${i}`] as const),
  ];
  return names
    .filter(([name]) => !isPlainPath(name))
    .map(([name, at]) => {
      const message = `\`${name}\` is not a plain path below the mirror's root`;
      const help = 'name a file such as `lastupdate` or `project/trace/master`';
      return mistake('marker-path', at, message, help);
    });
}

/** A relative path that means the same to rsync's patterns as to the file system, and stays below where it starts. */
export function isPlainPath(name: string): boolean {
  return (
    /^[\w.+@:,=-]+(\/[\w.+@:,=-]+)*$/.test(name) && !name.split('/').some((part) => /^\.\.?$/.test(part))
  );
}

/** Options that a site may not give, or had better not, and why. */
export interface Refusal {
  readonly code: string;
  readonly names: RegExp;
  /** Only with these values. */
  readonly value?: RegExp;
  /** An error unless it says so. */
  readonly severity?: 'warning';
  /** What the word does, to be read after it. */
  readonly does: string;
  readonly help: string;
}

/** A pass that copies nothing ends with exit 0: it would be shown as a success. */
const COPIES_NOTHING: Refusal = {
  code: 'dry-run',
  names: /^(-n|--dry-run|--list-only|--only-write-batch|-V|--version|--help|--daemon)$/,
  does: 'makes rsync copy nothing, and every run a success all the same',
  help: 'take it out; `mirror run ID --dry-run` shows what would be run',
};

const GUARD = 'delete-guard';

/** Every method's: what takes the guard's number away, or deletes where the guard does not look. */
const UNGUARDED: readonly Refusal[] = [
  {
    code: GUARD,
    names: /^--max-delete$/,
    does: "would change the delete guard's number",
    help: 'take it out: `guard.deletes` and `guard.ratio` say how many deletions a run may make',
  },
  {
    code: GUARD,
    names: /^(-b|--(no-)?backup|--backup-dir|--suffix)$/,
    does: 'would change where rsync puts what it deletes, from where a tripped delete guard brings it back',
    help: 'take it out; to keep what is deleted give the package `"keep_deleted": "P3D"`',
  },
  {
    code: GUARD,
    names: /^--ignore-errors$/,
    does: 'deletes what upstream could not read, a part in every run',
    help: 'take it out: without it deletions wait until upstream can be read',
  },
  {
    code: GUARD,
    names: /^--force$/,
    does: 'deletes whole directories in passes that are to delete nothing',
    help: 'take it out: where deletions are allowed it is not needed',
  },
  {
    code: GUARD,
    names: /^--remove-(source|sent)-files$/,
    does: 'deletes at the source what it has copied',
    help: 'take it out: a mirror leaves its upstream as it is',
  },
];

const CLEARS: Omit<Refusal, 'names' | 'value'> = {
  code: 'filter-list',
  does: "empties the list of filters, and with it what keeps the mirror's marker and temporary files apart",
  help: 'take it out: there are no filters before your own but those',
};

const FILTERS: readonly Refusal[] = [
  { ...CLEARS, names: /^--(ex|in)clude$/, value: /^!$/ },
  { ...CLEARS, names: /^(-f|--filter)$/, value: /^(!|clear)$/ },
];

const HIDES_STATISTICS: Omit<Refusal, 'names'> = {
  code: 'no-statistics',
  severity: 'warning',
  does: 'hides what rsync counts: status has no figures then, and nobody notices an upstream that lists no files',
  help: 'take it out: what rsync prints goes to the log of the run, which is pruned',
};

/** A run goes by what rsync counts where rsync itself calls it well; it still is a mirror without. */
const QUIET: readonly Refusal[] = [
  { ...HIDES_STATISTICS, names: /^(-q|--quiet)$/ },
  { ...HIDES_STATISTICS, names: /^--info$/, value: /(^|,)(none|(all|stats)0)(,|$)/i },
];

/** For passes that name when they delete: rsync takes one such option only. */
export const OTHER_DELETES: Refusal = {
  code: GUARD,
  names: /^--(del|delete-(before|during|after|missing-args))$/,
  does: 'is at odds with `--delete-delay`, which every pass that may delete has',
  help: 'take it out',
};

/** For passes without a delete limit, or with filters that protect what others have made. */
export const ALL_DELETES: Refusal = {
  code: GUARD,
  names: DELETES,
  does: 'deletes where the delete guard does not count',
  help: 'take it out: what upstream no longer has is deleted anyway',
};

/** In stages, what is deleted when, and which files a pass is for, is not the site's to say. */
export const STAGES_OWN: Refusal = {
  code: 'stage-argument',
  names:
    /^(--(del|delete(-.*)?|existing|ignore-(existing|non-existing|errors)|remove-.*|inplace|append.*|files-from|(copy|compare|link)-dest|max-delete|force|fuzzy|update)|-[uy])$/,
  does: 'is at odds with a sync in stages, which deletes and replaces in an order of its own',
  help: 'take it out, or sync without stages',
};

/**
 * What is wrong with words of the site for rsync: beside `refused`, and what no method can bear, those that are no options
 * and those that would take one of ours as their value. `place` is the pointer below `options` of the word with an index.
 */
export function wordFindings(
  words: readonly string[],
  place: (at: number) => string,
  refused: readonly Refusal[],
): PackageFinding[] {
  // Most packages have none.
  if (words.length === 0) return [];
  const refusals = [...refused, COPIES_NOTHING, ...UNGUARDED, ...FILTERS, ...QUIET];
  return readRsyncWords(words).flatMap((read) => {
    const wrong = refusals.find((refusal) => meets(read, refusal)) ?? malformed(read);
    if (wrong === null) return [];
    const message = `\`${words[read.at] ?? ''}\` ${wrong.does}`;
    const finding = mistake(wrong.code, `/settings/options/${place(read.at)}`, message, wrong.help);
    return { ...finding, severity: wrong.severity ?? finding.severity };
  });
}

function meets(read: RsyncWord, { names, value }: Refusal): boolean {
  return names.test(read.name) && (value === undefined || value.test(read.value ?? ''));
}

/** The same for a list of words: each item has a place of its own. A word in quotes has been reported as that. */
export function wordListFindings(
  option: string,
  words: readonly string[] = [],
  ...refused: readonly Refusal[]
): PackageFinding[] {
  const place = (at: number): string => `${option}/${String(at)}`;
  return wordFindings(words, place, refused).filter(({ message }) => !/^`["']/.test(message));
}

function malformed({ kind, name }: RsyncWord): Omit<Refusal, 'names'> | null {
  const code = 'rsync-argument';
  switch (kind) {
    case 'option':
      return null;
    case 'lacks-value':
      return {
        code,
        does: 'lacks its value, and would take the next word that rsync is given',
        help: `write \`${name}=…\` in one word, or the value as the next one`,
      };
    case 'end':
      return { code, does: 'ends the options, and ours follow', help: 'take it out' };
    case 'no-option':
      return {
        code,
        does: 'is no option: rsync would copy it as one more source',
        help: 'write an option and its value in one word: `--option=value`',
      };
  }
}
