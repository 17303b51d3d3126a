import type { Package } from '../model/site.js';
import { rsyncPattern } from '../job/rsync-pattern.js';
import { mistake } from './findings.js';
import type { PackageFinding } from './method.js';
import { readRsyncWords } from './rsync-words.js';

/**
 * Words that keep rsync out of other packages' trees below dst: it deletes nothing there (`P`) and looks for nothing there
 * upstream (`H`), whatever `--delete-excluded` says. The first rule that matches decides, so they stand before all others.
 */
export function rsyncSpares({ nested = [] }: Package): string[] {
  return nested.map(rsyncPattern).flatMap((path) => [`--filter=P ${path}`, `--filter=H ${path}`]);
}

/** The same for a shell script that splits its words at blanks. */
export function rsyncSparesOfScript(pkg: Package): string[] {
  return rsyncSpares(pkg).map((word) => word.replace(' ', '_'));
}

/** Regular expressions of other packages' trees below dst, for paths relative to dst: POSIX extended and Perl's. */
export function nestedExpressions({ nested = [] }: Package): string[] {
  return nested.map((path) => `^${path.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')}(/|$)`);
}

/** Options of rsync methods whose words may be filters. */
const WORD_LISTS = ['base_args', 'extra_args', 'extra_rsync_args'];

/** Refuses words that clear rsync's list of filters, and so what spares other packages' trees. */
export function clearedFilters({ nested = [], options }: Package): PackageFinding[] {
  if (nested.length === 0) return [];
  const wordLists = WORD_LISTS.flatMap((key) => (Array.isArray(options[key]) ? [key] : []));
  const found = wordLists.filter((key) => readRsyncWords(options[key] as string[]).some(isClear));
  const message = `\`!\` takes back the filters that spare \`${String(nested[0])}\`, another package's tree`;
  return found.map((key) =>
    mistake('nested-dst', `/settings/options/${key}`, message, 'take it out, or move that package'),
  );
}

/** The same for settings of ftpsync that a script splits into words of rsync's. */
export function clearedScriptFilters(
  { nested = [], options }: Package,
  names: readonly string[],
): PackageFinding[] {
  if (nested.length === 0) return [];
  const extra = (options.extra ?? {}) as Readonly<Record<string, string>>;
  const cleared = names.filter((name) =>
    readRsyncWords((extra[name] ?? '').split(' ').filter(Boolean)).some(isClear),
  );
  const plain = nested.every((path) => /^[^\s*?[\]\\]+$/.test(path));
  const message = `\`!\` takes back the filters that spare \`${String(nested[0])}\`, another package's tree`;
  return [
    ...cleared.map((name) =>
      mistake('nested-dst', `/settings/options/extra/${name}`, message, 'take it out, or move that package'),
    ),
    ...(plain
      ? []
      : [
          mistake(
            'nested-dst',
            '/settings/dst',
            "ftpsync is a shell script that cannot spare another package's tree whose path has blanks or any of `*?[]`",
            'give that package a plain path',
          ),
        ]),
  ];
}

/** Refuses trees below what the method itself writes, where its tool cannot be told to leave a path alone. */
export function nestedBelow({ nested = [], id }: Package, own: readonly string[]): PackageFinding[] {
  return nested
    .filter((path) => own.some((name) => path === name || path.startsWith(`${name}/`) || name === ''))
    .map((path) => {
      const message = `\`${path}\`, the dst of another package, lies where the sync of \`${id}\` writes`;
      return mistake(
        'nested-dst',
        '/settings/dst',
        message,
        'move one of them: the tool spares no path there',
      );
    });
}

function isClear({ name, value }: { readonly name: string; readonly value: string | null }): boolean {
  if (name === '--filter' || name === '-f') return /^(!|clear\b)/.test(value ?? '');
  return (name === '--exclude' || name === '--include') && value === '!';
}
