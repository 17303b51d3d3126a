import { fnv1a } from '../job/hash.js';
import type { Window } from '../job/schedule.js';
import { isWithin } from '../job/slots.js';
import { zoneOffset } from '../job/zone.js';

/** Two instants half a year apart: the zone's winter and summer clocks. Fixed, so that a compile is repeatable. */
const SEASONS = [Date.UTC(2026, 0, 15), Date.UTC(2026, 6, 15)];

/** Minutes of the hour that every other cron job of the world uses. */
const CROWDED = [58, 59, 0, 1, 2];

const residuesCache = new Map<string, readonly number[]>();

/**
 * Where in its interval a package runs when the config does not say: a stable hash of node and id, in minutes, spread
 * over the whole interval of `every` minutes. Keeps off minutes 58 to 02 and, with windows, on slots inside a window in
 * winter and summer, as far as the interval permits. So two sites, and two packages, do not ask an upstream together.
 */
export function hashedPhase(
  node: string,
  id: string,
  every: number,
  windows: readonly Window[],
  zone: string,
): number {
  const grain = gcd(every, 1440);
  const key = `${grain} ${zone} ${windows.map(({ from, to }) => `${from}-${to}`).join()}`;
  let residues = residuesCache.get(key);
  if (!residues) {
    residues = goodResidues(grain, windows, zone);
    residuesCache.set(key, residues);
  }
  const hash = spread(fnv1a(`${node}\n${id}`));
  const residue = residues[hash % residues.length] ?? 0;
  return residue + grain * (Math.floor(hash / residues.length) % (every / grain));
}

/** An avalanche step (murmur3's), so that a hash's low bits are as good as its high ones. */
function spread(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Greatest common divisor of two whole numbers. */
export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/**
 * An interval visits every minute of the day that is congruent to its phase modulo `grain`. Returns the residues to
 * choose from: the best class that is not empty.
 */
function goodResidues(grain: number, windows: readonly Window[], zone: string): number[] {
  const all = Array.from({ length: grain }, (_, residue) => residue);
  const visits = (residue: number): number[] =>
    Array.from({ length: 1440 / grain }, (_, i) => residue + i * grain);
  const quiet = (residue: number): boolean =>
    !visits(residue).some((minute) => CROWDED.includes(minute % 60));
  const openIn = (seasons: readonly number[]): ((residue: number) => boolean) => {
    const offsets = seasons.map((season) => zoneOffset(zone, season) / 60_000);
    return (residue) =>
      visits(residue).some((minute) =>
        offsets.every((offset) => isWithin(windows, (minute + offset + 1440) % 1440)),
      );
  };
  const preferences =
    windows.length === 0 ? [] : [openIn(SEASONS), openIn(SEASONS.slice(0, 1)), openIn(SEASONS.slice(1))];
  const open = preferences.map((test) => all.filter(test)).find((list) => list.length > 0) ?? all;
  const quietOnes = open.filter(quiet);
  return quietOnes.length > 0 ? quietOnes : open;
}
