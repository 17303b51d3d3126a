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
  /** `source` among them is that of source packages. `all` is always meant where the Release file offers it to clients. */
  readonly arches: readonly string[];
}

/** What a package's options leave out of an apt repository on purpose; all else that the index names has to be in dst. */
export interface AptLeftOut {
  /** Contents files, which tell what file is in which package. */
  readonly contents: boolean;
  /** Translations into all languages but English. */
  readonly translations: boolean;
  /** Patterns of names or packages: then `wanted` decides, and index files beside Packages and Sources may be missing. */
  readonly names: boolean;
}

/**
 * Holds what a tool fetched from an apt repository to its Release files, before its index is published: every file of the
 * index in `held` has the digest that the Release file says, what a client asks for by default is there in one
 * compression at least, and dst has all files that the index names, with their size. The digest of a file is compared if it
 * came in this run, or if the index of before gave it another one. Index files that no Release file names do not stay in
 * `held`. What is to go is written to `deletions`, a zero byte behind each, for `delete-listed`; more than the guard
 * allows, and the run is blocked here.
 */
export interface ProveAptStep extends Exec {
  readonly kind: 'prove-apt';
  readonly distributions: readonly AptDistribution[];
  /** Whether the tool names directories by the codename, whatever the config calls a distribution. */
  readonly by_codename: boolean;
  readonly left_out: AptLeftOut;
  /** Holds the new `dists`, and maybe links to directories of dst. */
  readonly held: string;
  /** argv gets the signed file and the file with its text behind, and ends with 0 if it is signed; false: not called. */
  readonly signed: boolean;
  /** A directory for the texts of what was signed. */
  readonly texts: string;
  /** Directories of dst with packages; null: the tool tells what is to go in `told`. */
  readonly directories: readonly string[] | null;
  /** Files that the tool writes, a zero byte behind each path: what it wanted, and what is in dst without a use. */
  readonly told: { readonly wanted: string; readonly gone: string } | null;
  /** How what the tool did not fetch comes after all; see `AptRefetch`. */
  readonly refetch: AptRefetch;
  /** Log files of the tool's own that tell why something is missing. */
  readonly logs: string;
  /** A regular expression: deletions that do not count, as in `delete-listed`. */
  readonly uncounted: string;
  /** Removed when the index is not what was signed, so that the next run fetches it again; null: nothing. */
  readonly forget: string | null;
  /** Null: nothing is deleted. */
  readonly deletions: string | null;
}

/**
 * How a file comes that the tool has left out or kept by mistake. `file`: argv with the new file's path and the URL of the
 * file behind. `tool`: what is wrong is set aside, and argv, the whole tool, runs once more.
 */
export type AptRefetch =
  | { readonly by: 'file'; readonly argv: readonly string[]; readonly url: string; readonly skeleton: string }
  | { readonly by: 'tool'; readonly argv: readonly string[] };

/**
 * The same for an archive that comes as it is, all of its distributions: each file of the index that a Release file names
 * and that is there has its digest, what clients fetch by default and was there at the last proof is there still, and dst
 * has all files of the pool that the index names, with their size. Indexes that the last proof read are not read again.
 */
export interface ProveAptArchiveStep {
  readonly kind: 'prove-apt-archive';
  /** Holds what is new of the index; the rest of it is in dst. Null: all is in dst, and readers have it already. */
  readonly held: string | null;
  /** A file that stays from run to run: what the last proof found right. */
  readonly record: string;
  /** Words that choose among upstream's files: with others, nothing of the record counts. */
  readonly filters: readonly string[];
  /** Regular expressions of paths that are left out on purpose; null: they cannot be told, and what is missing is only said. */
  readonly left_out: readonly string[] | null;
}

/**
 * Looks at what the new index of a repository names, before that index is published. The index must be the one that was
 * fetched with its signature, and have all its own files, with the digests of its `repomd.xml`. argv lists the files, each as `strip`
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
  /** What `fetch-signed-index` left: the index is compared, and all else there is published with it. */
  readonly signed: string;
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

/**
 * Holds the files of a mirror of PyPI to the pages of its projects by which pip finds them, before anything is deleted. A
 * mirror of 400,000 files and more is looked at as a whole once a week, and otherwise where its pages have changed. The
 * projects whose files are missing are put on bandersnatch's list of what it still has to do.
 */
export interface ProveSimpleStep {
  readonly kind: 'prove-simple';
  /** What is served: `simple` and `packages` are in it. */
  readonly web: string;
  /** What links begin with if they are not relative; null: links that are not relative lead elsewhere. */
  readonly root_uri: string | null;
  /** When the pages were proved last; kept from run to run. */
  readonly record: string;
  /** bandersnatch's own files: the serial that it has reached, and its list. */
  readonly status: string;
  readonly todo: string;
}

export type ProofStep = ProveAptStep | ProveAptArchiveStep | ProveRefsStep | ProveRpmStep | ProveSimpleStep;
