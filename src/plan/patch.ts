import { FILE_HEADERS_ONLY, formatPatch, type StructuredPatchHunk } from 'diff';
import type { Artifact } from '../compile/artifact.js';
import { edits } from './edits.js';
import { modeText } from './manifest.js';
import type { Actual, Change } from './plan.js';

const CONTEXT = 3;
const NO_NEWLINE = '\\ No newline at end of file';

/**
 * A change as a unified diff, "" where nothing of the content changes. A link is shown as git shows it: a file that
 * holds its target. Secrets are named, never shown. Only the mode differing is said in one line.
 */
export function patch(change: Change): string {
  if (change.kind === 'unchanged') return '';
  const before = 'before' in change ? change.before : null;
  const after = 'after' in change ? change.after : null;
  if (change.secret) return `# ${change.path}: a secret, not shown\n`;
  const [old, now] = [actualText(before), artifactText(after)];
  if (before?.kind === 'other') return `# ${change.path}: in the way (${before.what})\n`;
  const text = old === now ? '' : unified(change.path, old, now);
  return modeLine(change.path, before, after) + text;
}

/** Unified diff of a file between two texts; null where it does not exist. */
export function unified(path: string, before: string | null, after: string | null): string {
  const hunks = toHunks(lines(before), lines(after));
  const patch = {
    oldFileName: before === null ? '/dev/null' : path,
    newFileName: after === null ? '/dev/null' : path,
    oldHeader: undefined,
    newHeader: undefined,
    hunks,
  };
  return formatPatch(patch, FILE_HEADERS_ONLY);
}

function modeLine(path: string, before: Actual | null, after: Artifact | null): string {
  if (before?.kind !== 'file' || after?.kind !== 'file' || before.mode === after.mode) return '';
  return `# ${path}: mode ${modeText(before.mode)} → ${modeText(after.mode)}\n`;
}

function actualText(actual: Actual | null): string | null {
  if (actual?.kind === 'file') return actual.content;
  return actual?.kind === 'link' ? actual.target : null;
}

function artifactText(artifact: Artifact | null): string | null {
  if (!artifact) return null;
  return artifact.kind === 'file' ? artifact.content : artifact.target;
}

/** Lines with their ends, so that a missing one at the end of the file is a difference. */
function lines(text: string | null): string[] {
  return text === null ? [] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
}

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
  /** Lines of the old and the new file before this one. */
  readonly old: number;
  readonly now: number;
}

function toHunks(before: string[], after: string[]): StructuredPatchHunk[] {
  const all: Line[] = [];
  let [old, now] = [0, 0];
  for (const edit of edits(before, after)) {
    const sign = edit.kind === 'keep' ? ' ' : edit.kind === 'remove' ? '-' : '+';
    for (const text of edit.lines) {
      all.push({ sign, text, old, now });
      if (sign !== '+') old += 1;
      if (sign !== '-') now += 1;
    }
  }
  return ranges(all).map(([from, to]) => hunk(all.slice(from, to)));
}

/** Stretches of changed lines with their context; stretches that would touch are one. */
function ranges(all: readonly Line[]): [number, number][] {
  const found: [number, number][] = [];
  all.forEach((line, index) => {
    if (line.sign === ' ') return;
    const [from, to] = [Math.max(0, index - CONTEXT), Math.min(all.length, index + CONTEXT + 1)];
    const last = found.at(-1);
    if (last && from <= last[1]) last[1] = to;
    else found.push([from, to]);
  });
  return found;
}

function hunk(some: readonly Line[]): StructuredPatchHunk {
  const first = some[0] ?? { old: 0, now: 0 };
  return {
    oldStart: first.old + 1,
    newStart: first.now + 1,
    oldLines: some.filter(({ sign }) => sign !== '+').length,
    newLines: some.filter(({ sign }) => sign !== '-').length,
    lines: some.flatMap(({ sign, text }) =>
      text.endsWith('\n') ? [sign + text.slice(0, -1)] : [sign + text, NO_NEWLINE],
    ),
  };
}
