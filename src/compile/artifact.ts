/** What the compiler makes: whole files and enablement links, nothing else. Sorted by path. */

export interface FileArtifact {
  readonly kind: 'file';
  readonly path: string;
  readonly mode: number;
  readonly content: string;
  /** Package it belongs to, or null for the site's own. */
  readonly package: string | null;
  /** A credential: never shown, never hashed, never written by `compile --out`. */
  readonly secret?: true;
}

/** A symbolic link such as `timers.target.wants/mirror-sync-debian.timer`: enablement is an artifact like any other. */
export interface LinkArtifact {
  readonly kind: 'link';
  readonly path: string;
  readonly target: string;
  readonly package: string | null;
}

export type Artifact = FileArtifact | LinkArtifact;
