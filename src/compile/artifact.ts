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

/**
 * A file of mode 0644 whose text is made whenever somebody reads it, the same each time: most are compared once with what
 * lies on disk, and ten thousand texts at once are a third of a plan's memory, which takes its time to move about.
 */
export class RenderedFile implements FileArtifact {
  readonly kind = 'file';
  readonly mode = 0o644;
  readonly package: string | null;
  readonly #render: () => string;

  constructor(
    readonly path: string,
    id: string | null,
    render: () => string,
  ) {
    this.package = id;
    this.#render = render;
  }

  get content(): string {
    return this.#render();
  }
}
