import { expect, test } from 'vitest';
import { onTheClock } from '../../src/commands/moment.js';
import { localTimes } from '../../src/run/local-time.js';

const seoul = (text: string): string[] => [onTheClock(text, 'Asia/Seoul'), localTimes(text, 'Asia/Seoul')];
const both = (text: string): string[] => [text, text];

test('times in words are put on the clock of the site', () => {
  const at = '2026-11-22T20:08:01.000Z';
  expect(seoul(`since ${at} (its time is ${at}, and was ${at}); until ${at}`)).toEqual(
    both(
      'since 2026-11-23 05:08:01 (its time is 2026-11-23 05:08:01, and was 2026-11-23 05:08:01); until 2026-11-23 05:08:01',
    ),
  );
});

test.each([
  'rsync: link_stat "/pool/dump-2026-11-22T20:08:01.000Z.tar" failed',
  'no such file: 2026-11-22T20:08:01.000Z/Packages',
  'back at 2026-13-45T99:99:99.000Z',
])('what only looks like a time stays as it is: %s', (text) => {
  expect(seoul(text)).toEqual(both(text));
});
