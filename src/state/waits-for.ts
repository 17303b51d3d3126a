import { readFileSync } from 'node:fs';
import type { Layout } from '../job/layout.js';
import { readRequest } from './store.js';

/** `waiting/<id>.json`: a run that waits for a slot, for those that wait with it and for `mirror status`. */
export interface Waiting {
  /** Which kind of slot it waits for: `site` or `upstream-HOST`. */
  readonly for: string;
  readonly since: number;
  readonly last_success: number | null;
}

/** What a waiting run waits for, in words; the executor leaves a note as long as it waits. */
export function waitsFor(layout: Layout, id: string): string {
  const slot = readWaiting(layout, id)?.for;
  if (slot === undefined) {
    const isPush = readRequest(layout, id)?.not_before !== undefined;
    return isPush ? 'pushed soon after the last push' : 'waiting for its moment after boot';
  }
  if (slot.startsWith('upstream-'))
    return `waiting for a slot of ${slot.slice('upstream-'.length)} (limits.per_upstream)`;
  return 'waiting for a slot of this site (limits.concurrent)';
}

/** The package's note, or null when it does not wait, or the note cannot be understood. */
export function readWaiting(layout: Layout, id: string): Waiting | null {
  try {
    const waiting = JSON.parse(readFileSync(layout.waitingFile(id), 'utf8')) as Waiting | null;
    return typeof waiting?.for === 'string' ? waiting : null;
  } catch {
    return null;
  }
}
