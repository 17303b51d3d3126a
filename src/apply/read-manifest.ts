import type { Layout } from '../job/layout.js';
import { EMPTY_MANIFEST, parseManifest } from '../plan/manifest.js';
import type { Manifest } from '../plan/plan.js';
import type { Reader } from '../system/system.js';

/** The manifest cannot be understood, or is not of this place, so nobody knows which files are ours. */
export class UnusableManifest extends Error {}

/** What apply last wrote; EMPTY_MANIFEST where it never did. Throws UnusableManifest. */
export function readManifest(layout: Layout, system: Reader): Manifest {
  const text = system.read(layout.manifest);
  if (text === null) return EMPTY_MANIFEST;
  const manifest = parseManifest(text);
  if (!manifest)
    throw new UnusableManifest(
      `${layout.manifest} is not a manifest of this version of mirror; restore it from a backup`,
    );
  const places = [layout.compiled, layout.secrets, layout.units].map((directory) => `${directory}/`);
  // A copied manifest's paths are absolute: what they name is another installation's.
  const isOwn = (path: string): boolean =>
    path === layout.cronFile || (places.some((place) => path.startsWith(place)) && !path.includes('/../'));
  const foreign = Object.keys(manifest.entries).find((path) => !isOwn(path));
  if (foreign === undefined) return manifest;
  throw new UnusableManifest(
    `${layout.manifest} was copied from another installation: it lists ${foreign}, which is not of this one; ` +
      `remove ${layout.compiled}, where nothing of this one is needed, or restore it from a backup`,
  );
}
