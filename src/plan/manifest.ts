import type { Artifact } from '../compile/artifact.js';
import { sha256 } from '../system/digest.js';
import type { Change, Manifest, ManifestEntry } from './plan.js';

/** Nothing was ever written. */
export const EMPTY_MANIFEST: Manifest = { format: 'mirror/manifest/1', entries: {} };

/** A manifest file's text as a value; null when it is not one of ours. */
export function parseManifest(text: string): Manifest | null {
  try {
    const value = JSON.parse(text) as Partial<Manifest> | null;
    const ok = value?.format === EMPTY_MANIFEST.format && typeof value.entries === 'object';
    return ok ? (value as Manifest) : null;
  } catch {
    return null;
  }
}

/**
 * The manifest once `changes` are done: entries of what stays as it is are taken over, so that only new content is
 * hashed. Returns the old manifest itself when every entry would be the same.
 */
export function nextManifest(
  manifest: Manifest,
  artifacts: readonly Artifact[],
  changes: readonly Change[],
): Manifest {
  const isSettled = changes.every(({ kind }) => kind === 'unchanged');
  const isSame = ({ path, package: id }: Artifact): boolean => manifest.entries[path]?.package === id;
  if (isSettled && artifacts.length === Object.keys(manifest.entries).length && artifacts.every(isSame))
    return manifest;
  const unchanged = new Set(changes.filter(({ kind }) => kind === 'unchanged').map(({ path }) => path));
  const known = (artifact: Artifact): ManifestEntry | undefined =>
    unchanged.has(artifact.path) && isSame(artifact) ? manifest.entries[artifact.path] : undefined;
  const sorted = [...artifacts].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    format: EMPTY_MANIFEST.format,
    entries: Object.fromEntries(
      sorted.map((artifact) => [artifact.path, known(artifact) ?? entry(artifact)]),
    ),
  };
}

/** The manifest file's text; the same for the same manifest. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 1)}\n`;
}

/** A mode as people write it: `0644`. */
export function modeText(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function entry(artifact: Artifact): ManifestEntry {
  if (artifact.kind === 'link') return { kind: 'link', package: artifact.package, target: artifact.target };
  const { package: id, content, secret } = artifact;
  const mode = modeText(artifact.mode);
  return secret
    ? { kind: 'file', package: id, mode, secret }
    : { kind: 'file', package: id, mode, sha256: sha256(content) };
}
