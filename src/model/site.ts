import type { MinFree } from '../job/job.js';
import type { Keep } from '../job/job.js';
import type { Schedule } from '../job/schedule.js';
import type { FreshnessFormat } from '../job/step.js';

/**
 * The normalized site: every default filled in, every legacy spelling replaced, every time in seconds. What the
 * compiler stages read; nothing after `normalize` says `?? default`.
 */
export interface Site {
  readonly mirrorname: string;
  readonly hostname: string;
  /** This machine's name among `hosts`. */
  readonly node: string;
  readonly configPath: string;
  readonly settings: Settings;
  /** This node's packages, in config order. */
  readonly packages: readonly Package[];
}

export interface Settings {
  readonly scheduler: 'systemd' | 'crontab' | 'daemon';
  readonly systemd: { readonly version: number };
  /** From the config, or null: the running entry. */
  readonly executable: string | null;
  readonly logfolder: string;
  readonly webroot: string;
  readonly statusfile: string;
  readonly statfile: string;
  readonly uid: string | number;
  readonly gid: string | number;
  readonly localtimezone: string;
  readonly maintainer: { readonly name: string; readonly email: string } | null;
  /** What every ftpsync package tells Debian about this mirror, by mirror.py's keys; notes left out. */
  readonly ftpsync: Readonly<Record<string, string>>;
  readonly limits: {
    readonly concurrent: number;
    readonly per_upstream: number;
    readonly load_max: number | null;
  };
  readonly logger: Logger;
  /** Who hears of packages that keep failing; null: nobody. */
  readonly notify: Notify | null;
  /** Who may use the control socket; `mode` has four octal digits. */
  readonly socket: { readonly uid: string | number; readonly gid: string | number; readonly mode: string };
}

export interface Notify {
  /** Errors in a row that make an incident. */
  readonly afterFailures: number;
  readonly command: readonly string[] | null;
  readonly mail: string | null;
  readonly sendmail: string;
  /** Where the URL comes from. `literal` is what the config holds and apply moves away. */
  readonly webhook: { readonly file: string } | { readonly literal: string } | null;
  /** Of the unit that sends: `off` lets a mail program get rights by a set-id bit. */
  readonly sandbox: 'strict' | 'off';
}

export interface Logger {
  readonly level: string;
  readonly packagelevel: string;
  readonly format: string;
  readonly packageformat: string;
  /** The site's own log, to which all runs write; null: none. */
  readonly fileformat: FileFormat | null;
  readonly packagefileformat: FileFormat;
}

export interface FileFormat {
  readonly base: string;
  readonly folder: string;
  readonly filename: string;
  readonly gzip: boolean;
}

/** One upstream of a package. `url` may carry a user name but never a password. */
export interface Source {
  readonly url: string;
  /** For publishing: no credentials at all. */
  readonly publicUrl: string;
  /** Lower-case host, or null for a path on this machine. */
  readonly host: string | null;
}

/** `literal` is what the config holds and apply moves away; `source`: the place of the source in whose URL it stood. */
export type Password = ({ readonly file: string } | { readonly literal: string }) & {
  readonly source?: number;
};

/** A file of dst that tells upstream's own time. */
export interface FreshnessMarker {
  readonly file: string;
  readonly format: FreshnessFormat;
  /** Seconds; null: any age. */
  readonly maxAge: number | null;
  readonly monotonic: boolean;
}

export interface Package {
  readonly id: string;
  readonly name: string;
  readonly href: string;
  readonly synctype: string;
  /** As written in the config. */
  readonly syncrate: string;
  readonly schedule: Schedule;
  /** Shortest interval between slots in seconds, for warnings and stale_after; null without a schedule. */
  readonly interval: number | null;
  readonly push: boolean;
  readonly minGap: number;
  readonly disabled: boolean;
  readonly hidden: boolean;
  readonly link: readonly { readonly rel: string; readonly href: string }[];
  readonly sources: readonly Source[];
  readonly dst: string;
  /** Paths below dst that are other packages' dst on this machine; not there: none. The sync leaves them alone. */
  readonly nested?: readonly string[];
  /** The method's own options, defaults filled in by the method's schema; without `password`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Where the password comes from, or null. */
  readonly password: Password | null;
  readonly retry: { readonly delay: number; readonly attempts: number; readonly maxDelay: number };
  readonly maxRuntime: number;
  readonly firstSync: { readonly maxRuntime: number };
  readonly guard: {
    readonly deletes: number;
    readonly ratio: number;
    readonly minFree: MinFree;
    readonly mount: string | null;
  };
  /** Seconds for which what runs delete is kept in dst, out of readers' sight; null: deleted at once. */
  readonly keepDeleted: number | null;
  readonly precheck: {
    readonly file: string;
    readonly fullEvery: number;
    readonly always: readonly string[];
  } | null;
  /** Where upstream's own time is read after a run; the oldest counts. Empty: nobody asks. */
  readonly freshness: readonly FreshnessMarker[];
  readonly acceptExit: Readonly<Record<string, string>>;
  readonly staleAfter: number | null;
  readonly network: Network;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string | number;
  readonly group: string | number;
  readonly umask: string;
  readonly sandbox: 'strict' | 'standard' | 'off';
  readonly resources: Resources;
  readonly keep: Keep;
  /** Most bytes of one run's log. */
  readonly logLimit: number;
  readonly renamedFrom: string | null;
}

export interface Network {
  readonly family: 'ipv4' | 'ipv6' | 'any';
  readonly bind: string | null;
  readonly proxy: string | null;
  readonly caFile: string | null;
  /** Hosts beside the source's own to which it may redirect; names below them are meant, too. */
  readonly redirects: readonly string[];
  /** Groups of addresses that a unit denies beside its usual ones. */
  readonly deny: readonly 'private'[];
  /** Addresses and prefixes that a unit allows although they are denied. */
  readonly allow: readonly string[];
  readonly ssh: {
    readonly key: string | null;
    readonly knownHosts: string | null;
    readonly port: number | null;
  };
}

export interface Resources {
  readonly nice: number;
  readonly io: { readonly class: 'realtime' | 'best-effort' | 'idle'; readonly level: number };
  readonly cpuWeight: number | null;
  readonly ioWeight: number | null;
  /** systemd sizes (`2G`) or `infinity`. */
  readonly memoryHigh: string;
  /** The same, or null: no limit. */
  readonly memoryMax: string | null;
  readonly tasksMax: number;
}
