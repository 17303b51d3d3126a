import type { FreshnessFormat } from '../../job/step.js';

/**
 * The time in a marker's text, in epoch milliseconds, or null. `epoch`: seconds, alone on the first line (Arch's
 * lastsync). `date`: the first line, as `readDate` takes it. `trace`: Debian's project/trace, a `Date:` field or the first
 * line. `release`: the `Date:` field of an apt Release or InRelease file. `manjaro`: the `date=` line of Manjaro's `state`.
 * `repomd`: the revision of repomd.xml where it is a number, as createrepo_c writes it, else the newest of its timestamps.
 */
export function parseTime(text: string, format: Exclude<FreshnessFormat, 'mtime'>): number | null {
  const first = (text.split('\n', 1)[0] ?? '').trim();
  const field = /^Date:[ \t]*(.+)$/m.exec(text)?.[1]?.trim();
  switch (format) {
    case 'epoch':
      return epoch(first);
    case 'date':
      return readDate(first);
    case 'trace':
      return readDate(field ?? first);
    case 'release':
      return field === undefined ? null : readDate(field);
    case 'manjaro':
      return readDate(/^date=(.*)$/m.exec(text)?.[1]?.trim() ?? '');
    case 'repomd':
      return revision(text);
  }
}

/** Characters of the longest date with its zone, and many more: what is longer is none, and would take long to read. */
const LONGEST_DATE = 200;

/**
 * A date in one of three grammars, in epoch milliseconds, or null: RFC 5322 with its obsolete zones; ISO 8601 with its time
 * and seconds apart by `T` or a blank; and what date(1) prints in English, with a zone's name that has one meaning. Without
 * a zone it is UTC: that is what mirrors write.
 */
export function readDate(text: string): number | null {
  if (text.length > LONGEST_DATE) return null;
  return readMailDate(text) ?? readIsoDate(text) ?? readCommandDate(text);
}

/** RFC 5322, 3.3 and 4.3: `Mon, 30 Nov 2026 16:44:21 -0500`. */
function readMailDate(text: string): number | null {
  const found = new RegExp(
    `^(?:${DAY},?\\s+)?(\\d{1,2})\\s+${MONTH}\\s+(\\d{4})\\s+${CLOCK}(?:\\s+(\\S.*))?$`,
    'i',
  ).exec(text);
  if (!found) return null;
  const [, day, month, year, hour, minute, second, zone] = found;
  const offset = zone === undefined ? 0 : (offsetOf(zone) ?? named(zone, MAIL_ZONES) ?? named(zone, ZONES));
  return moment([year, monthOf(month), day, hour, minute, second], offset);
}

/** ISO 8601, extended or basic; the zone may follow a blank and be named, also as `(UTC)`. */
function readIsoDate(text: string): number | null {
  const found = /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d{1,9})?)?(.*))?$/i.exec(
    text,
  );
  if (!found) return null;
  const [, year, month, day, hour = '0', minute = '0', second, rest = ''] = found;
  const zone = rest.trim();
  const offset = zone === '' ? 0 : (offsetOf(zone) ?? named(zone, ZONES));
  return moment([year, month, day, hour, minute, second], offset);
}

/** date(1) in the C locale, and as newer ones print English: `Mon Nov 30 16:44:21 UTC 2026`, `Mon 30 Nov 2026 04:44:21 PM UTC`. */
function readCommandDate(text: string): number | null {
  const clock = `${CLOCK}(?:\\s+([AP]M))?`;
  const zone = '(?:\\s+(\\S+))?';
  const c = new RegExp(`^${DAY}\\s+${MONTH}\\s+(\\d{1,2})\\s+${clock}${zone}\\s+(\\d{4})$`, 'i').exec(text);
  if (c) {
    const [, month, day, hour, minute, second, half, name, year] = c;
    return moment([year, monthOf(month), day, halved(hour, half), minute, second], zoneOf(name));
  }
  const english = new RegExp(`^${DAY},?\\s+(\\d{1,2})\\s+${MONTH}\\s+(\\d{4})\\s+${clock}${zone}$`, 'i').exec(
    text,
  );
  if (!english) return null;
  const [, day, month, year, hour, minute, second, half, name] = english;
  return moment([year, monthOf(month), day, halved(hour, half), minute, second], zoneOf(name));
}

const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = `(${MONTHS.join('|')})`;
const CLOCK = '(\\d{1,2}):(\\d\\d)(?::(\\d\\d))?';

/** Minutes east of UTC of the zones of RFC 5322, 4.3: in mail these have one meaning. */
const MAIL_ZONES: Readonly<Record<string, number>> = {
  ...{ EST: -300, EDT: -240, CST: -360, CDT: -300, MST: -420, MDT: -360, PST: -480, PDT: -420 },
};

/**
 * Minutes east of UTC of abbreviations that the zone database uses for one offset now. CST (America, China, Cuba), CDT, PST
 * (America, Philippines), IST (India, Ireland, Israel), BST (Britain, Bangladesh), AST, SST, GST and the like have several
 * meanings and are not here.
 */
const ZONES: Readonly<Record<string, number>> = {
  ...{ UTC: 0, GMT: 0, UT: 0, Z: 0, WET: 0, WEST: 60, CET: 60, CEST: 120, EET: 120, EEST: 180, MSK: 180 },
  ...{ WAT: 60, CAT: 120, SAST: 120, EAT: 180, PKT: 300, WIB: 420, WITA: 480, WIT: 540, HKT: 480 },
  ...{ KST: 540, JST: 540, AWST: 480, ACST: 570, ACDT: 630, AEST: 600, AEDT: 660, NZST: 720, NZDT: 780 },
  ...{ EST: -300, EDT: -240, MST: -420, MDT: -360, PDT: -420, AKST: -540, AKDT: -480, HST: -600 },
};

/** Minutes east of UTC of `+hhmm`, `-hh:mm` or `+hh`, or null. A comment of RFC 5322 behind it says nothing new. */
function offsetOf(zone: string): number | null {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?(?:\s+\([^)]*\))?$/.exec(zone) ?? [];
  if (hours === undefined || Number(minutes) > 59) return null;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

function named(zone: string, zones: Readonly<Record<string, number>>): number | null {
  const name = /^\(?([a-z]{1,5})\)?$/i.exec(zone)?.[1]?.toUpperCase() ?? '';
  return Object.hasOwn(zones, name) ? (zones[name] ?? null) : null;
}

function zoneOf(name: string | undefined): number | null {
  return name === undefined ? 0 : (offsetOf(name) ?? named(name, ZONES));
}

function monthOf(name = ''): string {
  return String(MONTHS.indexOf(name.toLowerCase()) + 1);
}

/** Hours of a clock with two halves as those of one; a number that no clock shows where it makes no sense. */
function halved(hour = '', half: string | undefined): string {
  if (half === undefined) return hour;
  const shown = Number(hour);
  if (shown < 1 || shown > 12) return '99';
  return String((shown % 12) + (half.toUpperCase() === 'PM' ? 12 : 0));
}

/** Null for a day or time that no calendar or clock has; a leap second is the next one. `offset` in minutes. */
function moment(parts: readonly (string | undefined)[], offset: number | null): number | null {
  if (offset === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map((part) =>
    Number(part ?? 0),
  );
  if (hour > 23 || minute > 59 || second > 60) return null;
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day)
    return null;
  return date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000;
}

/** Seconds since 1970 as text. */
function epoch(text: string): number | null {
  return /^\d{1,12}(\.\d{1,9})?$/.test(text) ? Math.floor(Number(text) * 1000) : null;
}

function revision(text: string): number | null {
  const found = epoch(/<revision>\s*([^<\s]{1,40})\s*<\/revision>/.exec(text)?.[1] ?? '');
  if (found !== null) return found;
  const times = [...text.matchAll(/<timestamp>\s*([\d.]{1,24})\s*<\/timestamp>/g)].flatMap(
    ([, time = '']) => epoch(time) ?? [],
  );
  return times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b));
}
