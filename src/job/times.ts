/** A word of its own: what an upstream's file is called stays as it is. */
const UTC_TIME = /(?<![^\s(])\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z(?![^\s),;:])/g;

/**
 * A text with the times in it (`2026-11-22T14:08:01.000Z`) as `shown` writes them, from epoch ms. Texts that are kept or
 * sent to programs have them in UTC; where people read one, they are put on the clock of the site. Tools' and upstreams'
 * words are among them: what only looks like a time stays as it is.
 */
export function withTimes(text: string, shown: (at: number) => string): string {
  return text.replace(UTC_TIME, (time) => {
    const at = Date.parse(time);
    return Number.isNaN(at) ? time : shown(at);
  });
}
