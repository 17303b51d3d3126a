import type { Exec } from './step.js';

/** A list of the files of a directory, as upstream offers it for quick-fedora-mirror. Paths are relative to dst. */
export interface FileList {
  readonly file: string;
  /** What the list's paths are relative to: empty, or ending in `/`. */
  readonly directory: string;
}

/**
 * Fetches upstream's file lists and compares them with those in dst, which describe what dst holds. The same: the run
 * ends as unchanged. Else it writes what the steps after it work from: paths to transfer and to delete (zero bytes behind
 * each), what to verify. More deletions than the guard allows end the run as blocked. When everything is to be looked at,
 * what is not wanted is written instead of what to transfer. Lists that are missing, cut off or make no sense are not
 * believed: then `full` is written, and a pass without a list has to do.
 */
export interface ListChangesStep extends Exec {
  readonly kind: 'list-changes';
  readonly lists: readonly FileList[];
  /** Files beside the lists that no list names; fetched and installed with them. */
  readonly extra: readonly string[];
  /** Directory into which argv fetches. */
  readonly fetched: string;
  /** Index in argv of the word that leaves out what dst has; without it when dst's lists are not known to be ours. */
  readonly compare: number;
  /** Also what others cannot read yet. */
  readonly restricted: boolean;
  /** Regular expressions of paths that are not wanted; those of directories are tried with and without a `/` behind. */
  readonly exclude: readonly string[];
  /** Seconds since everything listed was last looked at after which it is again. */
  readonly full_every: number;
  /** What is known of the lists in dst; kept from run to run. */
  readonly record: string;
  /** Put before each path to transfer: where the source's own directory is, up to a `/./`. */
  readonly prefix: string;
  readonly transfer: string;
  /** rsync's exclude patterns of entries that are not for everybody yet: upstream may not let them be read. */
  readonly unwanted: string;
  readonly deletions: string;
  readonly verify: string;
  readonly full: string;
  /** What `install-lists` is told. */
  readonly summary: string;
}

/**
 * Verifies dst against a list: each entry is a digest, a tab and the path of a file that has it, if it is there; or a tab
 * and the path of what must be there. A difference is a failed transfer.
 */
export interface VerifyListedStep {
  readonly kind: 'verify-listed';
  readonly list: string;
}

/**
 * Deletes the paths below dst that a file names, a zero byte behind each: the deepest first, no symbolic link followed,
 * within the delete guard, and not after a step that left files out. A file that is not there names none.
 */
export interface DeleteListedStep {
  readonly kind: 'delete-listed';
  readonly list: string;
  /** A regular expression: paths that match are none of the deletions that count (an index's own old files). */
  readonly uncounted?: string;
}

/** Puts the fetched lists into dst and remembers them as ours; only when every step before it ended with exit 0. */
export interface InstallListsStep {
  readonly kind: 'install-lists';
  readonly fetched: string;
  readonly summary: string;
  readonly record: string;
}

export type ListStep = ListChangesStep | VerifyListedStep | DeleteListedStep | InstallListsStep;
