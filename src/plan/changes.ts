import type { Artifact } from '../compile/artifact.js';
import { sha256 } from '../system/digest.js';
import { modeText } from './manifest.js';
import type { Actual, Change, Manifest, ManifestEntry } from './plan.js';

/**
 * What apply would do at every path, sorted by path: the artifacts wanted, the manifest of what was written last, and
 * what lies on disk now (`look` is asked once for each path). Contents are compared first, so that only what differs is
 * hashed. A file that somebody removed is simply made again; one that somebody edited is drifted.
 */
export function changes(
  artifacts: readonly Artifact[],
  manifest: Manifest,
  look: (path: string, guess: 'file' | 'link') => Actual,
): Change[] {
  const wanted = new Set<string>();
  const found = artifacts.map((artifact): Change => {
    wanted.add(artifact.path);
    return compare(artifact, manifest.entries[artifact.path], look(artifact.path, artifact.kind));
  });
  for (const path of Object.keys(manifest.entries)) {
    const entry = wanted.has(path) ? undefined : manifest.entries[path];
    const gone = entry && removal(path, entry, look(path, entry.kind));
    if (gone) found.push(gone);
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function compare(after: Artifact, entry: ManifestEntry | undefined, before: Actual): Change {
  const { path } = after;
  const secret = entry?.secret ?? (after.kind === 'file' ? after.secret : undefined);
  const at = { path, package: after.package, ...(secret && { secret }) };
  if (before.kind === 'absent') return { kind: 'create', ...at, after };
  if (isSame(before, after)) return { kind: 'unchanged', ...at };
  // Whoever may not read secrets (a plan without root) cannot tell; the manifest says whether it is ours.
  if (secret && isUnreadable(before))
    return entry ? { kind: 'unchanged', ...at } : { kind: 'create', ...at, after };
  if (!entry || before.kind === 'other') return { kind: 'in-the-way', ...at, before, after };
  return isAsWritten(before, entry)
    ? { kind: 'update', ...at, before, after }
    : { kind: 'drifted', ...at, before, after };
}

function removal(path: string, entry: ManifestEntry, before: Actual): Change | null {
  if (before.kind === 'absent') return null;
  const at = { path, package: entry.package, ...(entry.secret && { secret: entry.secret }) };
  return isAsWritten(before, entry)
    ? { kind: 'delete', ...at, before }
    : { kind: 'drifted', ...at, before, after: null };
}

function isSame(before: Actual, after: Artifact): boolean {
  if (after.kind === 'link') return before.kind === 'link' && before.target === after.target;
  return before.kind === 'file' && before.content === after.content && before.mode === after.mode;
}

/** Nobody touched it since we wrote it. Secrets have no hash: what lies at their path is taken for ours. */
function isAsWritten(before: Actual, entry: ManifestEntry): boolean {
  if (entry.secret && isUnreadable(before)) return true;
  if (before.kind === 'link') return entry.kind === 'link' && entry.target === before.target;
  if (before.kind !== 'file' || entry.kind !== 'file') return false;
  if (entry.secret) return true;
  return entry.mode === modeText(before.mode) && entry.sha256 === sha256(before.content);
}

function isUnreadable(actual: Actual): boolean {
  return actual.kind === 'other' && actual.what === 'unreadable';
}
