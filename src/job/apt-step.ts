import type { Exec } from './step.js';

/** A distribution of an apt repository, as far as it is mirrored. */
export interface AptDistribution {
  /** Below `dists/`. */
  readonly name: string;
  readonly components: readonly string[];
  /** `source` among them is that of source packages. */
  readonly arches: readonly string[];
}

/**
 * Holds what a tool fetched from an apt repository to its signed Release files, before its index is published: the index in
 * `held` is that which was signed, and dst has all the packages that it names, new ones with the right digest. Index files
 * that no Release names do not stay in `held`. What no index names any more is written to `deletions`, a zero byte behind
 * each, for `delete-listed`; more than the guard allows, and the run is blocked here.
 */
export interface CheckAptStep extends Exec {
  readonly kind: 'check-apt';
  readonly distributions: readonly AptDistribution[];
  /** Holds the new `dists`, and links to directories of dst. */
  readonly held: string;
  /** argv gets the signed file and the file with its text behind, and ends with 0 if it is signed; false: not called. */
  readonly signed: boolean;
  /** A directory for the texts of what was signed. */
  readonly texts: string;
  /** Directories of dst with packages. */
  readonly directories: readonly string[];
  /** Log files of the tool's own that tell why something is missing. */
  readonly logs: string;
  /** Removed when the index is not what was signed, so that the next run fetches it anew. */
  readonly forget: string;
  /** Null: nothing is deleted. */
  readonly deletions: string | null;
}
