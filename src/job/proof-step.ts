/**
 * Steps that prove a success: what readers will use is held against dst before the run is `synced`, before anything is
 * published and before anything is deleted. Each method has the proof that fits what its tool fetches.
 */

import type { RefsOfRepository } from './repository-step.js';
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
export interface ProveAptStep extends Exec {
  readonly kind: 'prove-apt';
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

/**
 * Looks at what the new index of a repository names, before that index is published. argv lists the files, each as `strip`
 * and its path in dst. All of them have to be there, and to have passed `verify` once: its argv with their paths behind.
 * Whatever else in dst has the suffix, and old files of the index itself, is written to `deletions`, a zero byte behind
 * each, for `delete-listed`; more than the guard allows, and the run is blocked here.
 */
export interface ProveRpmStep extends Exec {
  readonly kind: 'prove-rpm';
  readonly strip: string;
  readonly suffix: string;
  /** `record`: which files have passed, by name, size and time of their last change. */
  readonly verify: { readonly argv: readonly string[]; readonly record: string } | null;
  /** Holds the new index, in directories as in dst. */
  readonly held: string;
  /** Null: nothing is deleted. */
  readonly deletions: string | null;
}

/**
 * Holds the refs of a repository to what upstream says that its refs are (argv is `git ls-remote --symref`), because a fetch
 * may leave refs out and end with 0. Upstream is asked again only if they differ from its first answer; if it has changed
 * meanwhile, it is fetched from again. HEAD then names upstream's branch, or its commit if it names no branch, or another
 * mirrored branch if upstream's is not mirrored: it resolves after each run that brought a branch.
 */
export interface ProveRefsStep extends RefsOfRepository {
  readonly kind: 'prove-refs';
  /** The fetch, for an upstream that changes during the run. */
  readonly fetch: readonly string[];
  /** Fetches the commit of a HEAD that is no branch. */
  readonly fetch_head: readonly string[];
  /** `git symbolic-ref HEAD`; the branch is added to its end. */
  readonly set_head: readonly string[];
  /** `git update-ref --no-deref HEAD`; the commit is added to its end. */
  readonly detach_head: readonly string[];
  /** Prints the names of HEAD's `.gitattributes` that tell of files which Git LFS keeps elsewhere. */
  readonly attributes: readonly string[];
}

export type ProofStep = ProveAptStep | ProveRefsStep | ProveRpmStep;
