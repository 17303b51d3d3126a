import type { Artifact } from '../compile/artifact.js';

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

/** What is on disk at a path now. */
export type Actual =
  | { readonly kind: 'absent' }
  | { readonly kind: 'file'; readonly mode: number; readonly content: string }
  | { readonly kind: 'link'; readonly target: string }
  /** Directory, socket, unreadable: always in the way. */
  | { readonly kind: 'other'; readonly what: string };

/** What apply would do at one path. */
export type Change =
  | { readonly kind: 'create'; readonly path: string; readonly package: string | null; readonly after: Artifact }
  | {
      readonly kind: 'update';
      readonly path: string;
      readonly package: string | null;
      readonly before: Actual;
      readonly after: Artifact;
    }
  | { readonly kind: 'delete'; readonly path: string; readonly package: string | null; readonly before: Actual }
  | { readonly kind: 'unchanged'; readonly path: string; readonly package: string | null }
  /** Edited by somebody since we wrote it; `after` is null when it would otherwise be deleted. */
  | {
      readonly kind: 'drifted';
      readonly path: string;
      readonly package: string | null;
      readonly before: Actual;
      readonly after: Artifact | null;
    }
  /** Something that is not ours lies where an artifact belongs. */
  | {
      readonly kind: 'in-the-way';
      readonly path: string;
      readonly package: string | null;
      readonly before: Actual;
      readonly after: Artifact;
    };
