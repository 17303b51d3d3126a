import { readFileSync } from 'node:fs';
import type { Layout } from '../job/layout.js';
import { readRequest } from './store.js';

/** What a waiting run waits for, in words; the executor leaves a note as long as it waits. */
export function waitsFor(layout: Layout, id: string): string {
  const slot = slotName(layout.waitingFile(id));
  if (slot === null) {
    const isPush = readRequest(layout, id)?.not_before !== undefined;
    return isPush ? 'pushed soon after the last push' : 'waiting for its moment after boot';
  }
  if (slot.startsWith('upstream-'))
    return `waiting for a slot of ${slot.slice('upstream-'.length)} (limits.per_upstream)`;
  return 'waiting for a slot of this site (limits.concurrent)';
}

function slotName(path: string): string | null {
  try {
    const waiting = JSON.parse(readFileSync(path, 'utf8')) as { for?: unknown } | null;
    return typeof waiting?.for === 'string' ? waiting.for : null;
  } catch {
    return null;
  }
}
