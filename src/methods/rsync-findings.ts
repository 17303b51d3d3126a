import type { Package } from '../model/site.js';
import type { PackageFinding } from './method.js';
import { endpoint } from './rsync-connection.js';

const SOURCES = 'give `rsync://host/module`, `host::module`, `user@host:/path` (ssh) or an absolute path';

/** Sources that rsync cannot read from, and none at all. */
export function sourceFindings(pkg: Package): PackageFinding[] {
  if (pkg.sources.length === 0) {
    const message = `\`${pkg.synctype}\` needs a \`src\``;
    return [{ code: 'no-source', severity: 'error', message, help: SOURCES, at: '/settings/src' }];
  }
  return pkg.sources.flatMap((source, index) => {
    if (endpoint(source.url) !== null) return [];
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source.url)?.[1];
    return [
      {
        code: 'source-scheme',
        severity: 'error' as const,
        message:
          scheme === undefined
            ? `rsync cannot read from \`${source.publicUrl}\``
            : `rsync does not speak \`${scheme}\``,
        help: SOURCES,
        at: pkg.sources.length > 1 ? `/settings/src/${index}` : '/settings/src',
      },
    ];
  });
}

/** Markers become anchored exclude patterns and file names in dst: plain relative paths only. */
export function markerFindings(pkg: Package): PackageFinding[] {
  if (!pkg.precheck) return [];
  const names: (readonly [string, string])[] = [
    [pkg.precheck.file, '/precheck/file'],
    ...pkg.precheck.always.map((name, i) => [name, `/precheck/always/${i}`] as const),
  ];
  return names
    .filter(([name]) => !isPlainPath(name))
    .map(([name, at]) => ({
      code: 'marker-path',
      severity: 'error' as const,
      message: `\`${name}\` is not a plain path below the mirror's root`,
      help: 'name a file such as `lastupdate` or `project/trace/master`',
      at,
    }));
}

/** A relative path that means the same to rsync's patterns as to the file system, and stays below where it starts. */
export function isPlainPath(name: string): boolean {
  return (
    /^[\w.+@:,=-]+(\/[\w.+@:,=-]+)*$/.test(name) && !name.split('/').some((part) => /^\.\.?$/.test(part))
  );
}

/** A pass that copies nothing ends with exit 0: it would be shown as a success. */
export function dryRunFindings(given: Readonly<Record<string, readonly string[]>>): PackageFinding[] {
  return wordFindings(given, /^(-[acdg-zACDE-LN-SU-Z]*n|--dry-run|--list-only)$/, (word) => ({
    code: 'dry-run',
    message: `\`${word}\` makes rsync copy nothing, and every run a success all the same`,
    help: 'take it out; `mirror run ID --dry-run` shows what would be run',
  }));
}

/** In stages, what is deleted when, and which files a pass is for, is not the site's to say. */
export function stageFindings(given: Readonly<Record<string, readonly string[]>>): PackageFinding[] {
  const words =
    /^--(del|delete(-.*)?|existing|ignore-(existing|non-existing|errors)|remove-.*|inplace|append.*|files-from=.*|(copy|compare|link)-dest=.*|max-delete=.*|force|fuzzy|update)$/;
  return wordFindings(given, words, (word) => ({
    code: 'stage-argument',
    message: `\`${word}\` is at odds with a sync in stages, which deletes and replaces in an order of its own`,
    help: 'take it out, or sync without stages',
  }));
}

function wordFindings(
  given: Readonly<Record<string, readonly string[]>>,
  pattern: RegExp,
  say: (word: string) => Pick<PackageFinding, 'code' | 'message' | 'help'>,
): PackageFinding[] {
  return Object.entries(given).flatMap(([key, words]) => {
    const word = words.find((arg) => pattern.test(arg));
    if (word === undefined) return [];
    return [{ severity: 'error', at: `/settings/options/${key}`, ...say(word) }];
  });
}
