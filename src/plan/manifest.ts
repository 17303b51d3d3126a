import type { Artifact, FileArtifact } from '../compile/artifact.js';
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

/** Whether every artifact has its entry, of the right package, and no other path has one. */
export function isListed(manifest: Manifest, artifacts: readonly Artifact[]): boolean {
  const { entries } = manifest;
  return (
    artifacts.length === Object.keys(entries).length &&
    artifacts.every(({ path, package: id }) => entries[path]?.package === id)
  );
}

/**
 * The manifest once `changes` are done, which are all but the unchanged ones: entries of what stays as it is are taken
 * over, so that only new content is hashed. `textOf` gives a file's content, where somebody has made it already. Paths in
 * the order of the artifacts. Returns the old manifest itself when every entry would be the same.
 */
export function nextManifest(
  manifest: Manifest,
  artifacts: readonly Artifact[],
  changes: readonly Change[],
  textOf = ({ content }: FileArtifact): string => content,
): Manifest {
  if (changes.length === 0 && isListed(manifest, artifacts)) return manifest;
  const { entries } = manifest;
  const changed = new Set(changes.map(({ path }) => path));
  const known = ({ path, package: id }: Artifact): ManifestEntry | undefined =>
    !changed.has(path) && entries[path]?.package === id ? entries[path] : undefined;
  return {
    format: EMPTY_MANIFEST.format,
    entries: Object.fromEntries(
      artifacts.map((artifact) => [artifact.path, known(artifact) ?? entry(artifact, textOf)]),
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

function entry(artifact: Artifact, textOf: (artifact: FileArtifact) => string): ManifestEntry {
  if (artifact.kind === 'link') return { kind: 'link', package: artifact.package, target: artifact.target };
  const { package: id, secret } = artifact;
  const mode = modeText(artifact.mode);
  return secret
    ? { kind: 'file', package: id, mode, secret }
    : { kind: 'file', package: id, mode, sha256: sha256(textOf(artifact)) };
}
