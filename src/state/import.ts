import { emptyState } from './package-state.js';
import type { PackageState, RunRecord } from './package-state.js';

export interface Imported {
  /** One state for each package that the file knows something about, in the order of `ids`. */
  readonly states: readonly PackageState[];
  /** One line each, for people. */
  readonly warnings: readonly string[];
}

/**
 * The history in a mirror.py stat.json as states of the packages `ids` (those that have none yet). Understands the older
 * shapes too: a `status` that is a string, `statusinfo` beside it, `lastsync` inside it, milliseconds for seconds.
 * A package that was syncing counts as interrupted: its slot stays due. Never throws; what it cannot read is a warning.
 */
export function importStat(text: string, ids: readonly string[]): Imported {
  const packages = packagesOf(text);
  if (packages === null)
    return { states: [], warnings: ['stat.json is not a mirror.py stat file: no history imported'] };
  const warnings: string[] = [];
  const states = ids.flatMap((id) => {
    if (!Object.hasOwn(packages, id)) return [];
    const entry = packages[id];
    if (isObject(entry)) return [toState(id, entry)];
    warnings.push(`stat.json: the entry of ${id} is not an object: no history imported for it`);
    return [];
  });
  return { states, warnings };
}

function packagesOf(text: string): Fields | null {
  try {
    const parsed = JSON.parse(text) as unknown;
    return isObject(parsed) && isObject(parsed.packages) ? parsed.packages : null;
  } catch {
    return null;
  }
}

function toState(id: string, entry: Fields): PackageState {
  const nested = isObject(entry.status) ? entry.status : {};
  const info = [nested.statusinfo, entry.statusinfo].find(isObject) ?? {};
  const status = typeof entry.status === 'string' ? entry.status : nested.status;
  const ended = time(entry.lastsync) ?? time(info.lastsync);
  // Old files have no time of success; a package that is ACTIVE succeeded at its last run.
  const success = time(info.lastsuccesstime) ?? (status === 'ACTIVE' ? ended : null);
  const errors = count(info.errorcount) ?? count(entry.errorcount) ?? 0;
  const failing = status === 'ERROR' ? Math.max(1, errors) : errors;
  return {
    ...emptyState(id),
    last: lastRun(status, ended, text(info.runninglog)),
    last_end: ended,
    last_success: success,
    last_success_log: text(info.lastsuccesslog),
    last_error: time(info.lasterrortime) ?? (failing > 0 ? ended : null),
    last_error_log: text(info.lasterrorlog),
    errors: status === 'ACTIVE' ? 0 : failing,
    changed: milliseconds(entry.timestamp) ?? ended ?? 0,
  };
}

function lastRun(status: unknown, ended: number | null, log: string | null): RunRecord | null {
  if (ended === null) return null;
  const run = { trigger: 'schedule', started: ended, ended, src: null, log: null, transfer: null } as const;
  const reason = 'imported from mirror.py';
  switch (status) {
    case 'ACTIVE':
      return { ...run, outcome: 'synced', failure: null, reason, exit: 0 };
    case 'ERROR':
      return { ...run, outcome: 'failed', failure: 'tool', reason, exit: 1 };
    case 'SYNC':
      return {
        ...run,
        outcome: 'interrupted',
        failure: null,
        reason: `${reason} while syncing`,
        exit: 143,
        log,
      };
    default:
      return null;
  }
}

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null;
}

/** Epoch seconds, or milliseconds where an old sample had them (seconds pass 1e11 in the year 5138); 0 is never. */
function time(value: unknown): number | null {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) return null;
  return Math.round(value > 1e11 ? value : value * 1000);
}

function milliseconds(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}
