/**
 * Steps: what one run of a package does, compiled ahead of time. A sync method turns options into steps; the
 * executor interprets them. A step never holds a secret and never needs a shell.
 */

import type { ForgetIfChangedStep } from './forget-step.js';
import type { ListStep } from './list-step.js';
import type { ProofStep } from './proof-step.js';
import type { DeleteRefsStep, EachRepositoryStep, PrepareRepositoryStep } from './repository-step.js';
import type { FetchSignedIndexStep } from './signed-index-step.js';

/** Whose exit codes and messages an exec speaks; `run/tools` has one table for each. */
export type Tool =
  | 'rsync'
  | 'command'
  | 'ftpsync'
  | 'lftp'
  | 'bandersnatch'
  | 'jigdo'
  | 'debmirror'
  | 'apt-mirror'
  | 'reposync'
  | 'git';

/** A command of a tool. */
export interface Exec {
  /** Exact words, program first; `job.prefix` (nice, ionice) goes in front. */
  readonly argv: readonly string[];
  /** Added to the executor's own small environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly tool: Tool;
  /** Working directory; default the package's dst. */
  readonly cwd?: string;
  /** Name of one of `job.secrets`; its content is written to the tool's stdin, then stdin is closed. */
  readonly stdin_secret?: string;
}

/** Runs the tool with dst's guards on; its exit code decides the outcome. */
export interface ExecStep extends Exec {
  readonly kind: 'exec';
  /** `accept_exit`: exit code → reason. Such an exit makes the run `incomplete`, never `synced`. */
  readonly accept?: Readonly<Record<string, string>>;
  /** Where a run-time number goes: the executor inserts `flag` + the delete limit into argv at index `at`. */
  readonly delete_limit?: { readonly flag: string; readonly at: number };
  /** The words of the push that asked for the run, of those that match `allow`, are added to the end of argv. */
  readonly push_words?: { readonly allow: string };
  /** Seconds after which a tool that neither reads nor works is ended: upstream hangs. */
  readonly stall?: number;
  /** A directory of log files of the tool's own: those that it wrote to are added to the run's log when it has ended. */
  readonly gather?: string;
  /** A file of the run without which the step is left out: a step before it says whether there is anything to do. */
  readonly only_with?: string;
  /**
   * The tool's own dry run, for `mirror run --dry-run --transfer`: argv with `remove` words at `at` replaced by `words`
   * and without a delete limit. Not there: the tool has none.
   */
  readonly dry_run?: { readonly at: number; readonly remove: number; readonly words: readonly string[] };
  /** What the tool reads from its standard input. */
  readonly input?: string;
  /**
   * For a tool without a delete limit that is told to delete nothing: each line of its output that matches names, as group
   * 1, a path below dst that upstream no longer has. After exit 0 they are deleted, unless they are too many for the guard.
   */
  readonly told_deletions?: {
    readonly pattern: string;
    /**
     * For an upstream whose pages may be something else than lists of files: a file of ours that keeps from run to run which
     * directories lost everything or became a file. Only a later run that finds the same deletes what was in them.
     */
    readonly doubts?: string;
  };
  /** Answers of upstream (`403`) after which a single file is left out and counted, and the run goes on. */
  readonly skip?: readonly string[];
  /** Seconds after which a tool is ended when the files that it writes in dst have not grown: upstream starts them again and again. */
  readonly growth?: number;
  /**
   * Absolute paths of files that tell others of a sync in progress, with the number of a process in them. They are removed
   * under the run lock before and after the tool, and by `mirror publish` when a run has died.
   */
  readonly leftovers?: readonly string[];
  /**
   * For a tool that nothing keeps from deleting: entries of dst are counted before and after it. `guarded`: more deletions
   * than the guard allows block the package for the next run. `told`: they are only recorded.
   */
  readonly watch_deletions?: 'guarded' | 'told';
  /**
   * The `--backup-dir` of an rsync: a directory of dst into which it moves what it deletes or replaces. When the delete guard
   * trips, all of it is moved back; else it is removed, or kept for `keep_deleted`.
   */
  readonly undo?: string;
}

/**
 * Asks whether upstream has changed: runs in the package's empty marker directory, into which it fetches upstream's
 * marker unless dst holds the same one. Exit 0 and no output means unchanged: `always` runs and the run ends.
 * Anything else means go on (a broken probe never hides an update).
 */
export interface ProbeStep extends Exec {
  readonly kind: 'probe';
  /** Marker's path, relative to dst, for the log and `explain`. */
  readonly marker: string;
  /** Seconds after which the probe is given up and the full pass runs. */
  readonly timeout: number;
  /** Seconds since the last full pass after which the probe's "unchanged" is not believed. */
  readonly full_every: number;
  /** Refresh these even when nothing changed (Arch's `lastsync`). */
  readonly always: readonly ExecStep[];
}

/**
 * Installs the marker that this run's probe fetched BEFORE the pass into dst, atomically and with its time; only
 * reached when every step before it ended with exit 0. So dst never claims more than it holds.
 */
export interface InstallMarkerStep {
  readonly kind: 'install-marker';
  readonly marker: string;
}

/** dst must be there, and be the same non-empty one on the same device once the package has synced. */
export interface RequireDirectoryStep {
  readonly kind: 'require-directory';
  readonly path: string;
}

/**
 * Makes a directory of ours (mode 0700, below the state directory). `empty`: whatever is in it is removed first, and the
 * whole of it when the run has ended, because it may hold secrets.
 */
export interface MakeDirectoryStep {
  readonly kind: 'make-directory';
  readonly path: string;
  readonly empty: boolean;
}

/** How a run-time text is written so that the reader of the file takes it as one value. */
export type Quoting = 'raw' | 'shell' | 'lftp' | 'url';

/** A piece of a file: literal text, a secret by name, or something that is known only when the run is. */
export type FilePart =
  | string
  | { readonly secret: string; readonly quote: Quoting }
  /** `date`: now as `date -u` prints it; `delete-limit`: the guard's number. */
  | { readonly value: 'date' | 'delete-limit' }
  /** Why the run started, in the words that the tool's readers know (`push` is Debian's `ssh`); ours where `words` has none. */
  | { readonly value: 'trigger'; readonly words?: Readonly<Record<string, string>> };

/**
 * Writes a file, atomically. An absolute path in a directory that `make-directory` made, or in dst: then its directories
 * are made as needed, and a symbolic link on the way is refused.
 */
export interface WriteFileStep {
  readonly kind: 'write-file';
  readonly path: string;
  /** Four octal digits. */
  readonly mode: string;
  readonly content: readonly FilePart[];
  /** Not after a run that left files out (`incomplete`): the file tells others that all is there. */
  readonly when_whole?: boolean;
}

/**
 * The delete guard for a tool without a limit of its own: runs what only tells what would be deleted, and counts the
 * lines of its output that match `pattern`. More than the limit allows and the run is `blocked`. When the tool cannot
 * say (any exit but 0) the run ends as the exec would have.
 */
export interface CountDeletionsStep extends Exec {
  readonly kind: 'count-deletions';
  /** A regular expression; each line that matches is one deletion. */
  readonly pattern: string;
}

/**
 * Asks, after the steps that read upstream, whether it changed meanwhile: a line of the output that matches `pattern` means
 * that what they brought may not fit together. Then the `back` steps before this one run again, `rounds` times in all at
 * most; an upstream that changes in each of them ends the run as unavailable, with nothing of it published.
 */
export interface RepeatIfChangedStep extends Exec {
  readonly kind: 'repeat-if-changed';
  readonly pattern: string;
  readonly back: number;
  readonly rounds: number;
}

/**
 * Looks for directories of the held index that dst has as a link or file. Writes rsync rules into two files: `skip` leaves
 * them out of a pass, so that none of them replaces what readers use before the index is published, and `whole`, which is
 * made only if there are any, takes them and nothing else.
 */
export interface FindReplacedStep {
  readonly kind: 'find-replaced';
  readonly held: string;
  readonly whole: string;
  readonly skip: string;
}

/**
 * Moves the files below `from`, a directory of dst that nobody reads, to their places in dst. Each is replaced at once; those
 * whose path (relative to `from`) matches a pattern of `last` come after all others, in the order of the patterns. Where dst
 * has a directory in the place of a file or link, or the reverse, what is there is deleted; it is counted first, and more
 * than the guard allows ends the run before anything is moved.
 */
export interface PublishHeldStep {
  readonly kind: 'publish-held';
  readonly from: string;
  /** Regular expressions. */
  readonly last: readonly string[];
}

/**
 * Makes the images that the jigdo files of dst describe: of the version that the link `current` names, for each architecture
 * the sets listed in `project/build`. jigdo-mirror (argv) runs once a set, with a configuration as its last word. It ends
 * with 0 whatever happens, so each image is looked for afterwards; a missing one fails the run.
 */
export interface JigdoImagesStep extends Exec {
  readonly kind: 'jigdo-images';
  /** How jigdo-mirror calls jigdo-file; `$tmpDir` in it is the set's temporary directory. */
  readonly jigdo_file: string;
  /** URL of the archive that has the files of the images. */
  readonly debian_mirror: string;
  /** A directory of the run, for the configurations. */
  readonly work: string;
  /** A directory in dst, on the disk of the images, for what is being made; removed at the end. */
  readonly temporary: string;
  /** A file of the run that gets rsync rules for all images, which upstream may not have and no pass may delete. */
  readonly protect: string;
}

/**
 * Counts the images that the lists of checksums in dst name and dst lacks: upstream has no jigdo file for them, and the last
 * pass does not take them. They are an omission of the run.
 */
export interface CountImagesStep {
  readonly kind: 'count-images';
}

/** How a file tells a time; `run/special/freshness` reads them. */
export type FreshnessFormat = 'epoch' | 'date' | 'trace' | 'release' | 'manjaro' | 'repomd' | 'mtime';

/**
 * Reads upstream's own time from a file: a dst that is synced with an upstream which is itself old is `stale`. With
 * `refuse`, a time before the one known is a failure (upstream went backwards): placed before the step that publishes.
 */
export interface CheckFreshnessStep {
  readonly kind: 'check-freshness';
  /** Absolute: in dst, or a copy in a directory of the run. */
  readonly path: string;
  /** By this name the state knows the marker: its path relative to dst. */
  readonly marker?: string;
  readonly format: FreshnessFormat;
  /** Seconds; null: any age. */
  readonly max_age: number | null;
  readonly monotonic: boolean;
  readonly refuse: boolean;
}

/**
 * Counts files and directories of dst that other users, such as a web server, cannot read, because upstream closed them. argv
 * prints one path a line. The run tells of them and is a success all the same: Fedora opens its releases by a mode change.
 */
export interface CountClosedStep extends Exec {
  readonly kind: 'count-closed';
}

/** Steps that most runs have: the executor's own bundle interprets them. */
export type CommonStep = RequireDirectoryStep | ProbeStep | ExecStep | InstallMarkerStep;

/** Steps of some methods, whose interpreters are loaded when a job has one. */
export type SpecialStep =
  | MakeDirectoryStep
  | WriteFileStep
  | CountDeletionsStep
  | CheckFreshnessStep
  | RepeatIfChangedStep
  | PrepareRepositoryStep
  | DeleteRefsStep
  | EachRepositoryStep
  | FetchSignedIndexStep
  | FindReplacedStep
  | CountClosedStep
  | PublishHeldStep
  | ProofStep
  | ForgetIfChangedStep
  | JigdoImagesStep
  | CountImagesStep
  | ListStep;

export type Step = CommonStep | SpecialStep;
