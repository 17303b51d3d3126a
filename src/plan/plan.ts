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

/** Before and after; null where the package is new or goes away. */
export interface Pair<T> {
  readonly before: T | null;
  readonly after: T | null;
}

/** A schedule in words, with its next two slots (epoch ms) from the time of the plan. */
export interface ScheduleWords {
  readonly text: string;
  readonly next: readonly number[];
}

/** One command of a package, as it will be started. The delete limit is a rule: `--max-delete=<limit>`. */
export interface ArgvChange extends Pair<readonly string[]> {
  /** `exec`, `probe`, `source 2: exec`, … */
  readonly step: string;
}

/** Any other value of the job: `limits.concurrent` from 4 to 6. Durations are ISO 8601. */
export interface ValueChange extends Pair<string> {
  readonly key: string;
}

/** What happens to a package, in words. */
export interface PackageChange {
  readonly id: string;
  readonly kind: 'new' | 'removed' | 'changed';
  readonly renamedFrom: string | null;
  /** null when it stays. */
  readonly schedule: Pair<ScheduleWords> | null;
  readonly argv: readonly ArgvChange[];
  readonly values: readonly ValueChange[];
  /** What becomes of dst: created, adopted, moved. */
  readonly notes: readonly string[];
}

/** A reason not to apply. All of them are said at once; the first one's `exit` is the command's. */
export interface Refusal {
  readonly code: string;
  readonly exit: number;
  readonly message: string;
  /** The exact command or flag that helps. */
  readonly help: string;
}

export interface Plan {
  /** Everything that is not unchanged, by path. */
  readonly changes: readonly Change[];
  readonly packages: readonly PackageChange[];
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly string[];
  /** True when an apply would do nothing at all. */
  readonly nothing: boolean;
}
