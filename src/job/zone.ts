/**
 * Wall-clock arithmetic by the zone data of Intl, whose start costs milliseconds: nothing here runs for a plain
 * interval without windows.
 */

const MINUTE = 60_000;
const DAY = 86_400_000;

const formatters = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** Milliseconds that the wall clock of `zone` is ahead of UTC at epoch millisecond `at`. */
export function zoneOffset(zone: string, at: number): number {
  if (zone === 'UTC') return 0;
  // Clocks have changed on a quarter of an hour in every zone since 2011.
  const quarter = Math.floor(at / (15 * MINUTE));
  const key = `${zone} ${quarter}`;
  let offset = offsets.get(key);
  if (offset === undefined) {
    offset = wallClock(zone, quarter * 15 * MINUTE) - quarter * 15 * MINUTE;
    if (offsets.size > 10_000) offsets.clear();
    offsets.set(key, offset);
  }
  return offset;
}

/** Epoch ms on the wall clock of `zone`, for people: `2026-11-22 23:08:01`. */
export function stamp(at: number, zone: string): string {
  return new Date(at + zoneOffset(zone, at)).toISOString().slice(0, 19).replace('T', ' ');
}

/** Wall-clock minute of the day (0 to 1439) in `zone` at epoch millisecond `at`. */
export function minuteOfDay(zone: string, at: number): number {
  const minute = Math.floor((at + zoneOffset(zone, at)) / MINUTE) % 1440;
  return minute < 0 ? minute + 1440 : minute;
}

/** Wall-clock day in `zone` at epoch millisecond `at`, as days since 1970-01-01. */
export function dayOf(zone: string, at: number): number {
  return Math.floor((at + zoneOffset(zone, at)) / DAY);
}

/**
 * Epoch milliseconds of wall-clock minutes of one day (days since 1970-01-01) in `zone`, in order. A minute that a clock
 * change skips is left out, of a repeated one the first counts: systemd's rules for OnCalendar=.
 */
export function instants(zone: string, day: number, minutes: readonly number[]): number[] {
  const before = zoneOffset(zone, (day - 1) * DAY);
  const after = zoneOffset(zone, (day + 2) * DAY);
  const wall = minutes.map((minute) => day * DAY + minute * MINUTE);
  if (before === after) return wall.map((time) => time - before);
  // The clock changes nearby. Of the two readings the one with the larger offset is the earlier instant.
  const candidates = before > after ? [before, after] : [after, before];
  return wall.flatMap((time) => {
    const offset = candidates.find((candidate) => zoneOffset(zone, time - candidate) === candidate);
    return offset === undefined ? [] : [time - offset];
  });
}

function wallClock(zone: string, at: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of formatter(zone).formatToParts(at)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function formatter(zone: string): Intl.DateTimeFormat {
  let format = formatters.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(zone, format);
  }
  return format;
}
