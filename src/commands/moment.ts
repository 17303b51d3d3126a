import { withTimes } from '../job/times.js';
import { stamp, zoneOffset } from '../job/zone.js';
import { parseDuration } from '../model/duration.js';

/** Epoch ms as an ISO 8601 time in UTC, for JSON; null stays null. */
export function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** A text with the times in it on the wall clock of `zone`, for people. */
export function onTheClock(text: string, zone: string): string {
  return withTimes(text, (at) => stamp(at, zone));
}

/** Milliseconds in the two largest units that say something: `3 d 4 h`, `12 min`, `0 s`. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const first = units.findIndex(([size]) => seconds >= size);
  if (first === -1) return '0 s';
  const parts = units.slice(first, first + 2).map(([size, unit], i) => {
    const larger = units[first + i - 1]?.[0];
    return [Math.floor((larger === undefined || i === 0 ? seconds : seconds % larger) / size), unit] as const;
  });
  // Minutes and hours are near enough to leave the seconds away.
  const shown = parts.filter(([count, unit], i) => count > 0 && (i === 0 || unit !== 's'));
  return shown.map(([count, unit]) => `${String(count)} ${unit}`).join(' ');
}

/** How long ago `at` was, or `never`. */
export function ago(at: number | null, now: number): string {
  if (at === null) return 'never';
  return at > now ? 'in the future' : `${span(now - at)} ago`;
}

const LOCAL = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?$/;
const ABSOLUTE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * Epoch ms of a moment that a person typed: an ISO 8601 duration from `now` (`PT6H`), a time with an offset, or one on
 * the wall clock of `zone` (`2026-11-30 18:00`). Null when it is none of these.
 */
export function parseMoment(text: string, now: number, zone: string): number | null {
  const duration = parseDuration(text);
  if (duration !== null) return now + duration * 1000;
  const [utc, local] = [ABSOLUTE.test(text), LOCAL.test(text)];
  if (!utc && !local) return null;
  const at = Date.parse(utc ? text : `${text.replace(' ', 'T')}${text.length === 10 ? 'T00:00' : ''}Z`);
  if (Number.isNaN(at) || (local && !new Date(at).toISOString().startsWith(text.slice(0, 10)))) return null;
  if (utc) return at;
  // The offset in force at the moment itself, which near a clock change is not the one at its name in UTC.
  return at - zoneOffset(zone, at - zoneOffset(zone, at));
}
