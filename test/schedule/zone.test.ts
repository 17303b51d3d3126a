import { expect, test } from 'vitest';
import { isZone } from '../../src/job/zone.js';

test.each(['UTC', 'Asia/Seoul', 'Asia/Kolkata', 'Asia/Calcutta', 'US/Eastern', 'europe/berlin', 'Etc/GMT+3'])(
  '%s is a time zone, by whichever of its names',
  (zone) => {
    expect(isZone(zone)).toBe(true);
    expect(() => new Intl.DateTimeFormat('en', { timeZone: zone })).not.toThrow();
  },
);

test.each(['', ' ', 'Asia/Soul', 'Asia/Seoul ', 'KST9'])('%j is none', (zone) => {
  expect(isZone(zone)).toBe(false);
});
