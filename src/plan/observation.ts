import type { Job } from '../job/job.js';
import type { Owner } from '../system/system.js';
import type { Change, Manifest } from './plan.js';

/** What a plan needs to know of the machine, as values: read by `apply/observe`, judged by pure code. */
export interface Observation {
  readonly manifest: Manifest;
  /** Every artifact's and manifest entry's change, the unchanged ones too. */
  readonly changes: readonly Change[];
  /** dst of packages that are new, whose dst, user or mount changed, or whose dst may be filled anew; without those that `--root` leaves alone. */
  readonly destinations: ReadonlyMap<string, Destination>;
  /** Trees of this machine that two packages have in common; looked for when something changes. */
  readonly sharedTrees?: readonly SharedTree[];
  readonly machine: MachineSeen;
  /** null when nothing would change: then nothing is asked. */
  readonly host: Host | null;
  /** Epoch ms. */
  readonly now: number;
}

/** The dst or the local source `path` of package `id` is, holds or lies in `dst`, that of package `other`. */
export interface SharedTree {
  readonly kind: 'same-dst' | 'nested-dst' | 'nested-src';
  readonly id: string;
  readonly path: string;
  readonly other: string;
  readonly dst: string;
}

/** The machine whose states lie in the state directory. */
export interface MachineRecord {
  readonly format: 'mirror/machine/1';
  /** Says nothing but whether two machines are the same. */
  readonly id: string;
  /** `settings.node` of its config, for people. */
  readonly node: string;
  /** Epoch ms of the apply that recorded it. */
  readonly since: number;
}

export interface MachineSeen {
  /** The machine that the states are of, if it is another one. */
  readonly other: Pick<MachineRecord, 'node' | 'since'> | null;
  /** The record of this one that an apply writes; null if it is there, or not known which machine this is. */
  readonly record: MachineRecord | null;
}

export interface Destination {
  readonly job: Job;
  /** The package as it was applied, under its old id where it was renamed; null for a new one. */
  readonly before: Job | null;
  readonly found:
    | {
        readonly kind: 'directory';
        readonly files: number;
        readonly more: boolean;
        readonly owner: Owner;
        readonly isSteady: boolean;
      }
    | { readonly kind: 'missing'; readonly parent: boolean }
    | { readonly kind: 'no-directory' }
    /** Another user could have made the link at `path`, of user `uid`, and root does not follow it. */
    | { readonly kind: 'behind-link'; readonly path: string; readonly uid: number };
  /** What the package keeps in the state directory, and who owns it: its marker, private files and cache. */
  readonly kept: readonly { readonly path: string; readonly uid: number; readonly isSteady: boolean }[];
  /** Whether `guard.mount`, if any, is mounted. */
  readonly mounted: boolean;
  /** Something was ever synced, or lies in the old dst. */
  readonly hasContent: boolean;
  /** dst is empty although it was synced, and to be filled anew: it stays, by `--refetch`, or a new package's needs that. */
  readonly refetch: boolean;
}

/** A directory that runs must write to. */
export interface ClosedPlace {
  readonly path: string;
  /** Whose runs cannot write there; nobody: its folders would be closed to other users than the one who makes them. */
  readonly users: readonly string[];
  /** Not so where only a list or a group that is not known here could open it. */
  readonly sure: boolean;
  /** The command that opens it. */
  readonly help: string;
}

/** A secret that everybody on the machine may read. */
export interface OpenSecret {
  readonly path: string;
  /** The command that closes it. */
  readonly help: string;
}

export interface Host {
  /** False below `--root`: then only what concerns the files is asked. */
  readonly live: boolean;
  readonly isRoot: boolean;
  /** Users and groups that the jobs name and nobody knows. */
  readonly missingUsers: readonly string[];
  readonly missingGroups: readonly string[];
  /** Numbers of the users that jobs run as. */
  readonly users: ReadonlyMap<string | number, Owner>;
  readonly missingDirectories: readonly string[];
  /** Directories that runs write to and cannot. */
  readonly closed: readonly ClosedPlace[];
  /** A program of the mail path that takes rights by a set-id bit, though the sandbox of notices allows none; or null. */
  readonly setIdMailer: string | null;
  readonly missingTools: readonly { readonly command: string; readonly debian: string }[];
  /** Files with packages' passwords, or (no ids) the webhook's URL, that are not there, nor written by this apply: path → ids. */
  readonly missingSecrets: ReadonlyMap<string, readonly string[]>;
  /** Files with a password or the webhook's URL that another user than root could replace. */
  readonly looseSecrets: readonly string[];
  /** Files with a password, the webhook's URL or an ssh key that everybody may read. */
  readonly openSecrets: readonly OpenSecret[];
  /** Time zone of the host's clock where cron is to go by it; null when that is not so or cannot be told. */
  readonly zone: string | null;
  /** The program that units call, with links followed; null when it is missing or not executable. */
  readonly executable: string | null;
}
