import { withTimes } from '../job/times.js';

/** Wall-clock fields of a moment, zero-padded, under the names that mirror.py's `packagefileformat` uses. */
export type TimeFields = Readonly<
  Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'microsecond', string>
>;

/**
 * Fields of epoch milliseconds (fractions give the microseconds) in an IANA zone. Sets this process's TZ, which is the
 * zone of one job: building an Intl formatter costs 12 ms of the 45 that a run may take, this less than 2.
 */
export function timeFields(at: number, zone: string): TimeFields {
  if (process.env.TZ !== zone) process.env.TZ = zone;
  const date = new Date(at);
  const micros = Math.floor((at % 1000) * 1000);
  return {
    year: String(date.getFullYear()),
    month: pad(date.getMonth() + 1, 2),
    day: pad(date.getDate(), 2),
    hour: pad(date.getHours(), 2),
    minute: pad(date.getMinutes(), 2),
    second: pad(date.getSeconds(), 2),
    microsecond: pad(micros, 6),
  };
}

/** A moment for people: `2026-11-22 23:08:01`. */
export function clock(at: number, zone: string): string {
  const { year, month, day, hour, minute, second } = timeFields(at, zone);
  return `${year}-${month}-${day} ${hour}:${minute}:${second}`;
}

/** A text with the times in it on the clock of the zone, for people. */
export function localTimes(text: string, zone: string): string {
  return withTimes(text, (at) => clock(at, zone));
}

/** Python's default asctime: `2026-11-22 23:08:01,123`. */
export function asctime(at: number, zone: string): string {
  return `${clock(at, zone)},${pad(Math.floor(at % 1000), 3)}`;
}

function pad(n: number, width: number): string {
  return String(n).padStart(width, '0');
}
