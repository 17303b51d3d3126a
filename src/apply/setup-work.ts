import { dirname } from 'node:path';
import type { Layout } from '../job/layout.js';
import type { System } from '../system/system.js';
import { readRecord, writeRecord, type SetupRecord } from './setup-record.js';

/** A setup in progress: what it works on, and what it has to say. */
export interface Work {
  readonly layout: Layout;
  readonly system: System;
  readonly isLive: boolean;
  readonly record: SetupRecord;
  /** What was done, one line each. */
  readonly done: string[];
  /** What a person has to do. */
  readonly problems: string[];
  /** Makes a directory and those above it that are missing, and remembers them. Throws the system's error. */
  makeDirectory(path: string): void;
  /** Writes the record down. */
  remember(): void;
}

/** Begins a setup: the record needs its directory first. */
export function beginWork(layout: Layout, system: System): Work {
  const record = readRecord(layout, system);
  const done: string[] = [];
  const remember = (): void => {
    if (system.facts(layout.compiled)) writeRecord(layout, record, system);
  };
  const makeDirectory = (path: string): void => {
    if (system.facts(path)) return;
    if (path !== '/') makeDirectory(dirname(path));
    if (!record.directories.includes(path)) {
      // Before it exists: one that is recorded and not ours is only ever removed when it is empty.
      record.directories.push(path);
      remember();
    }
    system.makeDirectory(path, 0o755);
    done.push(`created ${path}`);
  };
  makeDirectory(layout.compiled);
  return {
    layout,
    system,
    isLive: layout.root === '',
    record,
    done,
    problems: [],
    makeDirectory,
    remember,
  };
}
