import type { Layout } from '../job/layout.js';
import type { Reader, System } from '../system/system.js';

const FORMAT = 'mirror/setup-record/1';

/** What setup made on this machine, for `setup --uninstall`. Its own fixed directories are known without it. */
export interface SetupRecord {
  readonly format: typeof FORMAT;
  /** Path → sha256 of what was written. */
  readonly files: Record<string, string>;
  /** Directories that were missing, outermost first. */
  readonly directories: string[];
  /** Users and groups that were created: `user mirror`. */
  readonly accounts: string[];
}

/** Where the record lies. */
export function recordPath(layout: Layout): string {
  return `${layout.compiled}/setup.json`;
}

/**
 * The record of earlier setups; an empty one where there is none, it cannot be understood, or it was copied from another
 * installation, whose files it lists: then less is removed. Throws the system's error.
 */
export function readRecord(layout: Layout, system: Reader): SetupRecord {
  const empty: SetupRecord = { format: FORMAT, files: {}, directories: [], accounts: [] };
  const text = system.read(recordPath(layout)) ?? 'null';
  try {
    const value = JSON.parse(text) as Partial<SetupRecord> | null;
    if (value?.format !== FORMAT) return empty;
    const record = { ...empty, ...value };
    const isOwn = Object.keys(record.files).every((path) => path.startsWith(`${layout.root}/etc/`));
    return isOwn ? record : empty;
  } catch {
    return empty;
  }
}

/** Replaces the record, whole or not at all. Throws the system's error. */
export function writeRecord(layout: Layout, record: SetupRecord, system: System): void {
  system.writeFile(recordPath(layout), `${JSON.stringify(record, null, 1)}\n`, 0o644);
}
