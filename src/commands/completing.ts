import { layout } from '../job/layout.js';
import { readSiteFile } from '../state/site.js';

/** Commands whose words are ids of applied packages. */
const TAKE_IDS = new Set([
  ...['run', 'start', 'push', 'stop', 'hold', 'unhold', 'restore', 'status'],
  ...['history', 'logs', 'explain'],
]);

/**
 * Answers a shell's completion script (`--get-yargs-completions mirror run deb`) where a package id is wanted: ids that are
 * applied here, and not yet on the line. null where yargs knows what comes next: commands and options.
 */
export function idCompletions(args: readonly string[]): string[] | null {
  const [flag, , command = '', ...rest] = args;
  const current = rest.at(-1);
  if (flag !== '--get-yargs-completions' || !TAKE_IDS.has(command)) return null;
  if (current === undefined || current.startsWith('-')) return null;
  const taken = new Set(rest.slice(0, -1));
  return appliedIds(rootOf(rest)).filter((id) => id.startsWith(current) && !taken.has(id));
}

/** None where nothing is applied: a shell is waiting, and wants no message. */
function appliedIds(root: string): string[] {
  try {
    return readSiteFile(layout(root))?.packages.map(({ id }) => id) ?? [];
  } catch {
    return [];
  }
}

/** `--root DIR` or `--root=DIR` as typed so far. */
function rootOf(words: readonly string[]): string {
  const at = words.findIndex((word) => /^--root(=|$)/.test(word));
  const value = words[at]?.split('=').slice(1).join('=') ?? '';
  return (value || (at < 0 ? '' : (words[at + 1] ?? ''))).replace(/\/$/, '');
}
