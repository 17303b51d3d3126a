import { expect, test } from 'vitest';
import { isZone, zoneNames } from '../../src/job/zone-names.js';
import { zoneOffset } from '../../src/job/zone.js';

test.each([
  'UTC',
  'Asia/Seoul',
  'Asia/Kolkata',
  'Asia/Calcutta',
  'US/Eastern',
  'EST5EDT',
  'PRC',
  'GB',
  'Etc/GMT+3',
])('%s is a time zone, by whichever of its names', (zone) => {
  expect(isZone(zone)).toBe(true);
  expect(() => new Intl.DateTimeFormat('en', { timeZone: zone })).not.toThrow();
});

test.each([
  '',
  ' ',
  'Asia/Soul',
  'Asia/Seoul ',
  'KST9',
  'asia/seoul',
  'us/eastern',
  'utc',
  'BST',
  'IST',
  'CST',
  'JST',
])('%j is none', (zone) => {
  expect(isZone(zone)).toBe(false);
});

test('every name can be counted with', () => {
  for (const name of zoneNames()) expect(() => zoneOffset(name, 0), name).not.toThrow();
});
