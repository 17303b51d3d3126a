const UTC_TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/**
 * A text with the times in it (`2026-11-22T14:08:01.000Z`) as `shown` writes them, from epoch ms. Texts that are kept or
 * sent to programs have them in UTC; where people read one, they are put on the clock of the site.
 */
export function withTimes(text: string, shown: (at: number) => string): string {
  return text.replace(UTC_TIME, (time) => shown(Date.parse(time)));
}
