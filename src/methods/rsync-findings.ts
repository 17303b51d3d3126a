import type { Package } from '../model/site.js';
import { mistake, refusedSources, schemeOf } from './findings.js';
import type { PackageFinding } from './method.js';
import { endpoint } from './rsync-connection.js';

const SOURCES = 'give `rsync://host/module`, `host::module`, `user@host:/path` (ssh) or an absolute path';

/** Sources that rsync cannot read from, and none at all. */
export function sourceFindings(pkg: Package): PackageFinding[] {
  return refusedSources(pkg, SOURCES, ({ url, publicUrl }) => {
    if (endpoint(url) !== null) return null;
    const scheme = schemeOf(url);
    const cannot =
      scheme === undefined ? `cannot read from \`${publicUrl}\`` : `does not speak \`${scheme}\``;
    return ['source-scheme', `rsync ${cannot}`];
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

/** A pass that copies nothing ends with exit 0: it would be shown as a success. `option` is where the words stand. */
export function dryRunFindings(
  option: string,
  words: readonly string[],
  help = 'take it out; `mirror run ID --dry-run` shows what would be run',
): PackageFinding[] {
  const word = words.find((arg) => /^(-[acdg-zACDE-LN-SU-Z]*n|--dry-run|--list-only)$/.test(arg));
  if (word === undefined) return [];
  const message = `\`${word}\` makes rsync copy nothing, and every run a success all the same`;
  return [mistake('dry-run', `/settings/options/${option}`, message, help)];
}

/** In stages, what is deleted when, and which files a pass is for, is not the site's to say. */
export function stageFindings(option: string, words: readonly string[]): PackageFinding[] {
  const word = words.find((arg) => STAGES_OWN.test(arg));
  if (word === undefined) return [];
  const message = `\`${word}\` is at odds with a sync in stages, which deletes and replaces in an order of its own`;
  const help = 'take it out, or sync without stages';
  return [mistake('stage-argument', `/settings/options/${option}`, message, help)];
}

const STAGES_OWN =
  /^--(del|delete(-.*)?|existing|ignore-(existing|non-existing|errors)|remove-.*|inplace|append.*|files-from=.*|(copy|compare|link)-dest=.*|max-delete=.*|force|fuzzy|update)$/;
