import type { Omission } from '../job/omission.js';
import type { FailureKind, OutcomeKind } from '../job/outcome.js';

export const STATE_FORMAT = 'mirror/state/1';

/** Why a run started: its slot came, somebody asked (start, run), upstream's push came, or a retry of the same slot. */
export type Trigger = 'schedule' | 'request' | 'push' | 'retry';

/** What the tool reported; null where it did not say. Bytes and counts. */
export interface Transfer {
  readonly files: number | null;
  readonly total_bytes: number | null;
  readonly transferred_files: number | null;
  readonly transferred_bytes: number | null;
  readonly received_bytes: number | null;
  readonly deleted: number | null;
  readonly speedup: number | null;
}

/** A finished run. Times are epoch milliseconds everywhere in state. */
export interface RunRecord {
  readonly outcome: OutcomeKind;
  readonly failure: FailureKind | null;
  /** One line for people; null when there is nothing to say. */
  readonly reason: string | null;
  readonly exit: number;
  readonly trigger: Trigger;
  readonly started: number;
  readonly ended: number;
  readonly src: string | null;
  readonly log: string | null;
  readonly transfer: Transfer | null;
  /** What the run did not do; not there: nothing is known to be left. */
  readonly omissions?: readonly Omission[];
}

/** A run in progress; trusted only while the run lock is held. */
export interface ActiveRun {
  /** waiting: for a limit slot; running: the tool works; retrying: sleeping until `until`. */
  readonly phase: 'waiting' | 'running' | 'retrying';
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: tells the pid from a later process with the same number. */
  readonly pid_start: number;
  readonly boot_id: string;
  readonly started: number;
  readonly trigger: Trigger;
  readonly src: string | null;
  readonly log: string | null;
  readonly until: number | null;
  /** Epoch ms at which the executor itself is ended, whatever it does; null or not there: it waits. */
  readonly overdue_at?: number | null;
}

/**
 * `state/<id>.json`: the truth about one package, written only by whoever holds its run lock. What other people say
 * about a package (hold, request, stop, apply's baseline) is in files of their own, so that no writer loses another's word.
 */
export interface PackageState {
  readonly format: typeof STATE_FORMAT;
  readonly id: string;
  readonly run: ActiveRun | null;
  /** Last finished run, whatever its outcome. */
  readonly last: RunRecord | null;
  /** End of the last run that was not interrupted, busy or not due: the due rule counts from here. */
  readonly last_end: number | null;
  readonly last_success: number | null;
  readonly last_success_log: string | null;
  /** End of the last full pass that ended with exit 0 (not `unchanged`). */
  readonly last_full: number | null;
  /** Which commands made that pass, as a number: a probe vouches for dst only while the job still has the same. */
  readonly full_of: number | null;
  readonly last_error: number | null;
  readonly last_error_log: string | null;
  /** Errors in a row; 0 after a success. */
  readonly errors: number;
  /** Epoch ms of the last change of the published status, as stat.json's `timestamp`. */
  readonly changed: number;
  /** What dst held after the last full pass. */
  readonly size: { readonly files: number; readonly bytes: number | null } | null;
  /** dst's device and the boot it was seen in, and the file system behind it where it could be told. */
  readonly dst: {
    readonly path: string;
    readonly dev: number;
    readonly boot_id: string;
    readonly fs?: FileSystem | undefined;
  } | null;
  readonly blocked: { readonly since: number; readonly limit: number; readonly reason: string } | null;
  /** Upstream's own time as its marker told it after the last success; not there where nobody asks. */
  readonly freshness?: Freshness | undefined;
  /** What the last pass that went to its end did not do; a run that found nothing new leaves it as it is. */
  readonly omissions?: readonly Omission[] | undefined;
}

/** A file system, by what stays when it is mounted again, and the place of a directory in it. */
export interface FileSystem {
  readonly type: string;
  /** What was mounted: a device's name, `host:/export`, an overlay's upper directory. */
  readonly source: string;
  /** Path from the root of the file system on; a btrfs subvolume is part of it. */
  readonly place: string;
  readonly uuid: string | null;
  /** statfs(2)'s, where it is made of the UUID. */
  readonly fsid: string | null;
  /** The directory's inode and time of birth: equal on the same file system only, whatever its device is called. */
  readonly born: string | null;
}

/** How old upstream itself is. Epoch ms; `max_age` in seconds, null: any age will do. */
export interface Freshness {
  readonly time: number;
  /** The newest time ever seen, where it must not go backwards; else `time`. */
  readonly newest: number;
  readonly max_age: number | null;
  /** Where there are several markers: what each told last, by its path in dst. `time` is that of the one longest out of date. */
  readonly markers?: Readonly<Record<string, Pick<Freshness, 'time' | 'newest' | 'max_age'>>>;
}

/** State of a package nothing is known about. */
export function emptyState(id: string): PackageState {
  return {
    format: STATE_FORMAT,
    id,
    run: null,
    last: null,
    last_end: null,
    last_success: null,
    last_success_log: null,
    last_full: null,
    full_of: null,
    last_error: null,
    last_error_log: null,
    errors: 0,
    changed: 0,
    size: null,
    dst: null,
    blocked: null,
  };
}

/** Whether a parsed file is a whole state of package `id`: what readers rely on has the right type. */
export function isPackageState(value: PackageState, id: string): boolean {
  const { run, last, size, dst, blocked } = value;
  const freshness = value.freshness ?? null;
  const times = [value.last_end, value.last_success, value.last_full, value.last_error];
  return (
    (value.format as string) === STATE_FORMAT &&
    value.id === id &&
    times.every(isTimeOrNull) &&
    Number.isFinite(value.errors) &&
    isTime(value.changed) &&
    (run === null || ([run.pid, run.pid_start].every(Number.isFinite) && isTime(run.started))) &&
    (run === null || (isTimeOrNull(run.until) && isTimeOrNull(run.overdue_at ?? null))) &&
    (last === null || isRunRecord(last)) &&
    (size === null || Number.isFinite(size.files)) &&
    (dst === null || Number.isFinite(dst.dev)) &&
    (blocked === null || (isTime(blocked.since) && Number.isFinite(blocked.limit))) &&
    (blocked === null || typeof blocked.reason === 'string') &&
    (freshness === null || [freshness.time, freshness.newest].every(isTime)) &&
    Object.values(freshness?.markers ?? {}).every(({ time, newest }) => isTime(time) && isTime(newest)) &&
    areOmissions(value.omissions)
  );
}

/** Whether a parsed value is a finished run. */
export function isRunRecord(value: unknown): value is RunRecord {
  const { outcome, reason, trigger, started, ended, log, omissions } = (value ?? {}) as Partial<RunRecord>;
  return (
    [outcome, trigger].every((word) => typeof word === 'string') &&
    [started, ended].every(isTime) &&
    [reason, log].every(isTextOrNull) &&
    areOmissions(omissions)
  );
}

/** Whether what is shown of a run's omissions is text. */
function areOmissions(value: unknown): boolean {
  if (value === undefined) return true;
  return (
    Array.isArray(value) && value.every((each: Partial<Omission> | null) => typeof each?.text === 'string')
  );
}

/** Whether a parsed value is a time that a `Date` can be of: any other throws when it is printed. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15;
}

function isTimeOrNull(value: unknown): value is number | null {
  return value === null || isTime(value);
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

/** `hold/<id>.json`, written by `mirror hold` and `apply --hold`. */
export interface Hold {
  readonly since: number;
  /** Epoch ms after which the hold is over; null: until `mirror unhold`. */
  readonly until: number | null;
  readonly by: string;
  readonly reason: string | null;
}

/** Whether a parsed value is a whole hold. */
export function isHold(value: Partial<Hold> | null): value is Hold {
  return (
    value !== null &&
    isTime(value.since) &&
    isTimeOrNull(value.until) &&
    typeof value.by === 'string' &&
    isTextOrNull(value.reason)
  );
}

/** `request/<id>.json`: somebody wants a run; consumed when that run begins. */
export interface Request {
  readonly at: number;
  readonly by: string;
  /** Lifts the delete guard once, for this many deletions. */
  readonly allow_deletes: number | null;
  /** Upstream's push, not a person. */
  readonly push?: boolean;
  /** Epoch ms before which the run does not begin: a push that follows another too soon waits. */
  readonly not_before?: number;
  /** What the push said (`sync:stage1`): data for the package's method, never run. */
  readonly words?: readonly string[];
}

/** Whether a parsed value is a whole request. */
export function isRequest(value: Partial<Request> | null): value is Request {
  if (value === null) return false;
  const { at, by, allow_deletes: allowed, not_before: from, words } = value;
  return (
    isTime(at) &&
    typeof by === 'string' &&
    (allowed === null || Number.isInteger(allowed)) &&
    (from === undefined || isTime(from)) &&
    (words === undefined || (Array.isArray(words) && words.every((word) => typeof word === 'string')))
  );
}

/** `stop/<id>.json`: written by `mirror stop` before it signals, so the executor knows it was not a shutdown. */
export interface Stop {
  readonly at: number;
  readonly by: string;
}

/** `baseline/<id>.json`, written by apply when a package is new or its schedule changed. */
export interface Baseline {
  readonly at: number;
  /** A dst that apply found or made empty where the package is to be: the one that a run may fill from nothing. */
  readonly fresh_dst?: string;
  /** The last success when apply allowed that, whatever the clock then said: after another one it is a dst like any other. */
  readonly fresh_after?: number | null;
}

/** Whether a parsed value is a whole baseline. */
export function isBaseline(value: Partial<Baseline> | null): value is Baseline {
  const { at, fresh_dst: dst, fresh_after: after } = value ?? {};
  return (
    isTime(at) &&
    (dst === undefined || typeof dst === 'string') &&
    (after === undefined || isTimeOrNull(after))
  );
}
