import { readFileSync } from 'node:fs';
import { fnv1a } from '../job/hash.js';

/** Slots missed while the host was down are made up for within this many milliseconds after boot. */
const SPREAD = 30 * 60_000;

/**
 * When a scheduled run should begin that makes up for a slot missed while the host was down, or null for at once. systemd
 * starts all of those together right after boot (Persistent=true), so each waits its own stable share of half an hour.
 */
export function makeUpAt(
  slot: number,
  bootedAt: number,
  now: number,
  node: string,
  id: string,
): number | null {
  if (slot >= bootedAt || now - bootedAt >= SPREAD) return null;
  const at = bootedAt + (fnv1a(`${node}\n${id}`) % SPREAD);
  return at > now ? at : null;
}

/** Epoch ms at which this kernel started. */
export function bootTime(now: number): number {
  return now - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
}
