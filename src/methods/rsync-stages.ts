import { basename } from 'node:path/posix';
import type { ExecStep, Step } from '../job/step.js';
import { proveArchive } from './apt-archive.js';
import type { ArchiveFilters } from './apt-archive.js';
import { accepted, workDirectory } from './method.js';
import type { MethodContext } from './method.js';
import { connection } from './rsync-connection.js';
import {
  DELETE_LIMIT,
  DRY_RUN,
  STATS,
  filters,
  protectedNames,
  stalls,
  undoDirectory,
  undoWords,
  withSlash,
} from './rsync-pass.js';
import type { Pass } from './rsync-pass.js';

interface Patterns {
  /** What names other files: published after all of them. */
  readonly index: readonly string[];
  /** Of those, what may come with the other files, because nothing overwrites it (by-hash, patches). */
  readonly early: readonly string[];
}

/** Which files of a tree tell readers of other files; patterns as rsync's, one that ends in `/` is a whole directory. */
export interface StageSet extends Patterns {
  /** Of those, what is published last of all: it names the rest of the index. */
  readonly last: readonly string[];
  /** The index is that of an apt archive, which is proved before it is published. */
  readonly isApt?: true;
}

/**
 * Archives of apt: ftpsync's first stage leaves out the same, but for what has its own name for every content. Debian's
 * archive has the Release files below zzz-dists, and links to them in dists: who reads them there has to find the old ones
 * until all is published.
 */
const APT: StageSet = {
  index: ['/dists/', '/zzz-dists/', '/ls-lR*', '/project/trace/'],
  early: ['by-hash/', '*.diff/*.gz'],
  last: ['Release', 'Release.gpg', 'InRelease', '/project/trace/'],
  isApt: true,
};

/** Sets by their names in the config. */
export const stageSets: ReadonlyMap<string, StageSet> = new Map([
  ['debian', APT],
  ['ubuntu', APT],
  // repomd.xml names the other files of repodata, which have new names when they are new.
  ['rpm', { index: ['repodata/'], early: [], last: ['repomd.xml*'] }],
]);

/** How often the index is read again because upstream has published meanwhile. */
const ROUNDS = 5;

/** Lines of `--out-format=%i %n` that tell of a file, not of a directory whose time is another. */
const CHANGED = '^(\\*deleting |[<>ch][fLDS])';

/**
 * Packages first, index last, deletions at the end; each step only after those before it. The index is read first, into a
 * directory that nobody reads: then the packages of it are all there when they are looked for. It is published only when
 * upstream's is still the same after the packages came, so that neither an upstream which publishes meanwhile nor files
 * that vanish (24) leave an index over missing files. A fallback deletes nothing.
 */
export function stagedSteps(pass: Pass, set: StageSet, context: MethodContext): Step[] {
  const hold = `${pass.pkg.dst}/.~tmp~/index`;
  const patterns = { index: set.index.map(withAllBelow), early: set.early.map(withAllBelow) };
  const [whole, skip] = [`${context.work}/whole.rules`, `${context.work}/skip.rules`];
  return [
    { kind: 'make-directory', path: hold, empty: true },
    workDirectory(context),
    indexPass(pass, patterns, hold),
    { kind: 'find-replaced', held: hold, whole, skip },
    { ...wholePass(pass, whole, hold), only_with: whole },
    packagePass(pass, patterns, { skip, deletes: !context.fallback }),
    unchanged(pass, patterns, hold),
    ...(set.isApt ? proveArchive(context, hold, filtersOf(pass)) : []),
    ...freshnessSteps(pass, context),
    { kind: 'publish-held', from: hold, last: set.last.map(expression) },
    ...(context.fallback ? [] : [deletePass(pass)]),
  ];
}

function filtersOf({ base, exclude, extra }: Pass): ArchiveFilters {
  return { exclude, words: [...base, ...extra] };
}

/** Only the index, and of that only what dst has not. No `accept_exit` here: nothing of it may be missing. */
function indexPass(pass: Pass, set: Patterns, hold: string): ExecStep {
  return upstreamPass(pass, indexRules(pass, set), STATS, `${hold}/`);
}

/**
 * Directories of the index that dst has as something else, with all that is in them: where a link to a directory was, the
 * pass before has compared with what the link leads to, and brought nothing.
 */
function wholePass(pass: Pass, rules: string, hold: string): ExecStep {
  const filter = [`--filter=merge ${rules}`, '--exclude=*', '--no-hard-links', '--delete'];
  return upstreamPass(pass, filter, STATS, `${hold}/`);
}

/**
 * All but the index. Where a directory of the packages has become a file or link, what was in it is deleted within the
 * guard. `skip`: a file with rules for what may not come early.
 */
function packagePass(
  pass: Pass,
  { index, early }: Patterns,
  { skip, deletes }: { readonly skip: string; readonly deletes: boolean },
): ExecStep {
  const { dst } = pass.pkg;
  const rules = [
    `--filter=merge ${skip}`,
    ...early.map((pattern) => `--include=${pattern}`),
    ...(early.length > 0 ? ['--include=*/'] : []),
    ...index.map((pattern) => `--exclude=${pattern}`),
  ];
  const words = deletes ? [...undoWords(dst), ...STATS] : STATS;
  const exec = { ...upstreamPass(pass, rules, words, withSlash(dst)), ...accepted(pass.pkg) };
  return deletes ? { ...exec, delete_limit: DELETE_LIMIT, undo: undoDirectory(dst) } : exec;
}

/** Asks whether the index in `hold` and dst is still upstream's. */
function unchanged(pass: Pass, set: Patterns, hold: string): Step {
  const words = ['--dry-run', '--out-format=%i %n'];
  const exec = upstreamPass(pass, indexRules(pass, set), words, `${hold}/`);
  return { ...exec, kind: 'repeat-if-changed', pattern: CHANGED, back: 4, rounds: ROUNDS };
}

/** Upstream going backwards is found out before its index is published. */
function freshnessSteps(pass: Pass, context: MethodContext): Step[] {
  const markers = pass.pkg.freshness.filter(({ monotonic }) => monotonic);
  if (markers.length === 0) return [];
  const { flags, env, secret } = connection(pass.pkg, pass.source, pass.connection);
  // If the file is not there, how fresh upstream is cannot be told, and that is all.
  const words = ['--times', '--ignore-missing-args', ...flags];
  return markers.flatMap(({ file, format, maxAge }, index): Step[] => {
    // Markers of several distributions have one name.
    const to = index === 0 ? context.work : `${context.work}/marker-${String(index)}`;
    const argv = ['rsync', ...words, withSlash(secret.url) + file, `${to}/`];
    const marker = pass.pkg.freshness.length > 1 ? { marker: file } : {};
    const times = { max_age: maxAge, monotonic: true, refuse: true };
    return [
      { kind: 'exec', tool: 'rsync', argv, ...env, ...secret.stdin },
      { kind: 'check-freshness', path: `${to}/${basename(file)}`, ...marker, format, ...times },
    ];
  });
}

/** Only deletes: what upstream publishes from now on waits for the next run. */
function deletePass(pass: Pass): ExecStep {
  const { dst } = pass.pkg;
  const deletions = [...pass.deletion, ...undoWords(dst), ...STATS];
  const only = ['--existing', '--ignore-existing'];
  const step = upstreamPass(pass, [], [...deletions, ...only], withSlash(dst));
  const at = step.argv.lastIndexOf('--existing');
  return {
    ...step,
    ...accepted(pass.pkg),
    delete_limit: DELETE_LIMIT,
    undo: undoDirectory(dst),
    dry_run: { at, remove: only.length, words: DRY_RUN },
  };
}

/** One call to upstream. Filters decide in their order: those of all passes, the site's own, then the stage's. */
function upstreamPass(pass: Pass, rules: readonly string[], words: readonly string[], to: string): ExecStep {
  const { flags, env, secret } = connection(pass.pkg, pass.source, pass.connection);
  const own = [...protectedNames(pass), ...pass.base, ...filters(pass), ...pass.extra];
  return {
    kind: 'exec',
    tool: 'rsync',
    argv: ['rsync', ...own, ...rules, ...flags, ...words, withSlash(secret.url), to],
    ...env,
    ...secret.stdin,
    ...stalls(pass),
  };
}

function indexRules({ pkg }: Pass, { index, early }: Patterns): string[] {
  return [
    ...early.map((pattern) => `--exclude=${pattern}`),
    ...index.map((pattern) => `--include=${pattern}`),
    ...new Set(index.flatMap(directoriesTo).map((pattern) => `--include=${pattern}`)),
    '--exclude=*',
    '--prune-empty-dirs',
    // Of two names of one file, one may be of the index only.
    '--no-hard-links',
    '--delete',
    `--compare-dest=${withSlash(pkg.dst)}`,
  ];
}

/** Directories to look into for a pattern: all, unless it says from the root on where it is. */
function directoriesTo(pattern: string): string[] {
  if (!pattern.startsWith('/')) return ['*/'];
  const names = pattern.split('/').slice(1, -1);
  return names.map((_, depth) => `/${names.slice(0, depth + 1).join('/')}/`);
}

/** A directory is meant with all that is in it. */
function withAllBelow(pattern: string): string {
  return pattern.endsWith('/') ? `${pattern}***` : pattern;
}

/** A pattern as a regular expression over a path relative to the mirror's root. */
function expression(pattern: string): string {
  const anchor = pattern.startsWith('/') ? '^' : '(^|/)';
  const text = withAllBelow(pattern)
    .replace(/^\//, '')
    .replace(/[.+^$()|{}[\]\\]/g, '\\$&')
    .replace(/\/\*\*\*$|\*\*|\*|\?/g, (glob) => GLOBS[glob] ?? '/.*');
  return `${anchor}${text}$`;
}

const GLOBS: Readonly<Record<string, string>> = { '**': '.*', '*': '[^/]*', '?': '[^/]' };
