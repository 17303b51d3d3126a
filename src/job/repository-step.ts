import type { Exec } from './step.js';

/**
 * Looks at what the new index of a repository names, before that index is published. argv lists the files, each as `strip`
 * and its path in dst. All of them have to be there, and to have passed `verify` once: its argv with their paths behind.
 * Whatever else in dst has the suffix, and old files of the index itself, is written to `deletions`, a zero byte behind
 * each, for `delete-listed`; more than the guard allows, and the run is blocked here.
 */
export interface CheckRepositoryStep extends Exec {
  readonly kind: 'check-repository';
  readonly strip: string;
  readonly suffix: string;
  /** `record`: which files have passed, by name, size and time of their last change. */
  readonly verify: { readonly argv: readonly string[]; readonly record: string } | null;
  /** Holds the new index, in directories as in dst. */
  readonly held: string;
  /** Null: nothing is deleted. */
  readonly deletions: string | null;
}
