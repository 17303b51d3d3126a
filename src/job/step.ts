/**
 * Steps: what one run of a package does, compiled ahead of time. A sync method turns options into steps; the
 * executor interprets them. A step never holds a secret and never needs a shell.
 */

/** Whose exit codes and messages an exec speaks; `run/classify` has one table for each. */
export type Tool = 'rsync' | 'command';

interface Exec {
  /** Exact words, program first; `job.prefix` (nice, ionice) goes in front. */
  readonly argv: readonly string[];
  /** Added to the executor's own small environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly tool: Tool;
  /** Name of one of `job.secrets`; its content is written to the tool's stdin, then stdin is closed. */
  readonly stdin_secret?: string;
}

/** Runs the tool with dst's guards on; its exit code decides the outcome. */
export interface ExecStep extends Exec {
  readonly kind: 'exec';
  /** Working directory; default the package's dst. */
  readonly cwd?: string;
  /** `accept_exit`: exit code → reason. Such an exit makes the run `incomplete`, never `synced`. */
  readonly accept?: Readonly<Record<string, string>>;
  /** Where a run-time number goes: the executor inserts `flag` + the delete limit into argv at index `at`. */
  readonly delete_limit?: { readonly flag: string; readonly at: number };
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

export type Step = RequireDirectoryStep | ProbeStep | ExecStep | InstallMarkerStep;
