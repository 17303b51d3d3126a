import type { Artifact } from '../compile/artifact.js';
import type { Actual } from '../system/system.js';

export type { Actual } from '../system/system.js';

/** One manifest entry: what apply last wrote at a path. No hash for secrets. */
export interface ManifestEntry {
  readonly kind: 'file' | 'link';
  readonly package: string | null;
  /** Octal, files only. */
  readonly mode?: string;
  readonly sha256?: string;
  readonly target?: string;
  readonly secret?: true;
}

/** `manifest.json`: path → what we wrote there. A path that is not in it is not ours. */
export interface Manifest {
  readonly format: 'mirror/manifest/1';
  readonly entries: Readonly<Record<string, ManifestEntry>>;
}

interface At {
  readonly path: string;
  readonly package: string | null;
  /** A credential lies there or will: neither side is ever shown. */
  readonly secret?: true;
}

/** What apply would do at one path. */
export type Change =
  | (At & { readonly kind: 'create'; readonly after: Artifact })
  | (At & { readonly kind: 'update'; readonly before: Actual; readonly after: Artifact })
  | (At & { readonly kind: 'delete'; readonly before: Actual })
  | (At & { readonly kind: 'unchanged' })
  /** Edited by somebody since we wrote it; `after` is null when it would otherwise be deleted. */
  | (At & { readonly kind: 'drifted'; readonly before: Actual; readonly after: Artifact | null })
  /** Something that is not ours lies where an artifact belongs. */
  | (At & { readonly kind: 'in-the-way'; readonly before: Actual; readonly after: Artifact });
