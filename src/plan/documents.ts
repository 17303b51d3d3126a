import { escapeUnsafe } from '../job/plain-text.js';
import { patch } from './patch.js';
import type { Change, PackageChange, Plan } from './plan.js';
import { renderPackages, renderWarnings, summary } from './render.js';

/** A changed path with its unified diff: `""` where only the fact that it changes can be told. */
export interface FilePatch {
  readonly path: string;
  readonly kind: Change['kind'];
  readonly package: string | null;
  readonly patch: string;
}

/** The diffs of all changes, by path. */
export function filePatches(changes: readonly Change[]): FilePatch[] {
  return changes.map((change) => ({
    path: change.path,
    kind: change.kind,
    package: change.package,
    patch: patch(change),
  }));
}

/** A plan as the JSON object of `mirror plan --json`; times are ISO 8601. */
export function planDocument(plan: Plan, patches: readonly FilePatch[]): object {
  const count = (kind: PackageChange['kind']): number =>
    plan.packages.filter((pkg) => pkg.kind === kind).length;
  return {
    format: 'mirror/plan/1',
    nothing: plan.nothing,
    summary: { add: count('new'), change: count('changed'), remove: count('removed') },
    packages: plan.packages.map(packageDocument),
    files: patches,
    refusals: plan.refusals,
    warnings: plan.warnings,
  };
}

/** A review ready to paste in a pull request: the words, then a fenced diff for each file. */
export function markdown(plan: Plan, patches: readonly FilePatch[], zone: string): string {
  if (plan.changes.length === 0) return 'No compiled file changes.\n';
  const view = { paint: (_: string, text: string) => text, zone };
  const words = renderPackages(plan, view) + renderWarnings(plan, view);
  const parts = [
    `**${summary(plan)}**\n`,
    ...(words === '' ? [] : [fenced('', words)]),
    ...patches.map(
      ({ path, patch: text }) =>
        `<details><summary><code>${html(escapeUnsafe(path))}</code></summary>\n\n${fenced('diff', escapeUnsafe(text))}\n</details>\n`,
    ),
  ];
  return parts.join('\n');
}

function packageDocument(change: PackageChange): object {
  const { id, kind, renamedFrom, schedule, argv, values, notes } = change;
  const words = (side: 'before' | 'after'): object | null => {
    const found = schedule?.[side];
    return found ? { text: found.text, next: found.next.map((at) => new Date(at).toISOString()) } : null;
  };
  const times = schedule && { before: words('before'), after: words('after') };
  return { id, change: kind, renamed_from: renamedFrom, schedule: times, argv, values, notes };
}

/** A fence longer than any in the text, so that nothing in it ends the block. */
function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}\n`;
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
