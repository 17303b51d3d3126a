import type { Schedule } from './schedule.js';
import type { Step } from './step.js';

/** Version of the job format; the executor refuses any other (exit 78) and asks for `mirror apply`. */
export const JOB_FORMAT = 'mirror/job/2';

/** What an id may be, as in the schema: it becomes a path, a unit's name and a word of the starter's line. */
export const ID = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;

/** One upstream of a package: what to run when this source is the one used. */
export interface Attempt {
  /** Source as shown to people and published: without credentials. */
  readonly src: string;
  /** Host that `limits.per_upstream` counts; null for sources on this machine. */
  readonly upstream: string | null;
  readonly steps: readonly Step[];
}

/** A number of bytes, or a share (0 to 1) of the file system's size. */
export type MinFree = { readonly bytes: number } | { readonly share: number };

/** Run-time part of the delete guard; see `run/guard` for the arithmetic. */
export interface Guard {
  readonly deletes: number;
  readonly ratio: number;
  readonly min_free: MinFree;
  /** A mount point that must be mounted, or null. */
  readonly mount: string | null;
}

/** Seconds to keep logs by how the run ended, and bytes in total per package. 0 keeps none. */
export interface Keep {
  readonly ok: number;
  readonly failed: number;
  readonly unchanged: number;
  readonly total: number;
}

/** Where a log lies: directory, then folder and file name with mirror.py's fields {year}…{microsecond} and {packageid}. */
export interface LogPlace {
  readonly base: string;
  readonly folder: string;
  readonly filename: string;
}

export interface JobLog extends LogPlace {
  readonly gzip: boolean;
  readonly keep: Keep;
  /** Most bytes of one run's log; absent in jobs that an earlier version made. */
  readonly max_size?: number;
  /** Console line of the executor, Python %-style with `{package}`, e.g. `[%(asctime)s][{package}] %(levelname)s # %(message)s`. */
  readonly console_format: string;
  /** Least level shown on the console: DEBUG INFO WARNING ERROR CRITICAL. */
  readonly console_level: string;
  /** Absent where the site has no log of its own. */
  readonly site?: SiteLog;
}

/** The log that the runs of all packages write to, with a level and a line of its own. */
export interface SiteLog extends LogPlace {
  readonly format: string;
  readonly level: string;
}

/** How a package's runs are held in check, whoever they sync from: most packages of a site have the same. All times in seconds. */
export interface JobPolicy {
  readonly guard: Guard;
  readonly retry: { readonly delay: number; readonly attempts: number; readonly max_delay: number };
  readonly max_runtime: number;
  readonly first_sync: { readonly max_runtime: number };
  readonly limits: {
    readonly concurrent: number;
    readonly per_upstream: number;
    readonly load_max: number | null;
  };
  /**
   * Names or numbers; the executor drops to them when it starts as root. `shared_group` may write the state directory; it is
   * the package's own group where `realm` says that its files lie in its user's realm.
   */
  readonly run_as: {
    readonly user: string | number;
    readonly group: string | number;
    readonly shared_group: string | number;
    readonly umask: string;
    readonly realm?: true;
  };
  /** Put in front of every argv, e.g. `["nice","-n","10","ionice","-c","2","-n","7"]`; empty where systemd does it. */
  readonly prefix: readonly string[];
  /** Environment of every step (`env`, proxies). */
  readonly env: Readonly<Record<string, string>>;
  /** Secret name → root-only file that holds it (the last line end is not part of the secret). */
  readonly secrets: Readonly<Record<string, string>>;
  /** IANA zone of log file names and lines. */
  readonly timezone: string;
  readonly log: JobLog;
}

/** `jobs/<id>.json`: everything the executor needs to know about one package. All times in seconds. */
export interface Job extends JobPolicy {
  readonly format: typeof JOB_FORMAT;
  readonly id: string;
  readonly name: string;
  readonly method: string;
  readonly node: string;
  readonly scheduler: 'systemd' | 'crontab' | 'daemon';
  /** systemd unit that runs this job, or null where cron does. */
  readonly unit: string | null;
  readonly dst: string;
  /** Seconds for which dst keeps what runs delete, out of readers' sight; not there: it is deleted at once. */
  readonly keep_deleted?: number;
  /** Paths below dst that are other packages' dst: nothing of them is deleted. Not there: none. */
  readonly nested?: readonly string[];
  readonly schedule: Schedule;
  readonly min_gap: number;
  /** Sources in order; the next one is tried only after an `unavailable` failure, with deletions compiled out. */
  readonly attempts: readonly Attempt[];
}
