import { describe, expect, test } from 'vitest';
import { UsageError, parseRunArguments } from '../../src/run/arguments.js';
import { makeUpAt } from '../../src/run/boot.js';
import { formatLine } from '../../src/run/console.js';
import { lackOfSpace } from '../../src/run/free-space.js';
import { deleteLimit, enoughEntries } from '../../src/run/guard.js';
import { timeFields } from '../../src/run/local-time.js';
import { isPruningTime } from '../../src/run/log-pruning.js';
import { isMountPoint } from '../../src/run/mounts.js';
import { retryAt } from '../../src/run/retry.js';
import { parseRsyncStats } from '../../src/run/tools/rsync-stats.js';
import type { Job } from '../../src/job/job.js';
import { isInside } from '../../src/state/inside.js';

describe('the delete limit', () => {
  const guard = { deletes: 40_000, ratio: 0.1, min_free: { bytes: 0 }, mount: null };
  test.each([
    [0, 40_000], // nothing to protect
    [1, 0],
    [10, 5], // half of a small mirror
    [2000, 1000], // the ratio never counts for less than 1000
    [50_000, 5000], // the ratio
    [1_000_000, 40_000], // the guard's number
  ])('in a dst of %i entries is %i', (files, limit) => expect(deleteLimit(guard, files)).toBe(limit));

  test('does not change beyond the number of entries that are counted', () => {
    expect(deleteLimit(guard, enoughEntries(guard))).toBe(deleteLimit(guard, 1e12));
  });
});

test('free space that is asked for as a share is a share of the disk’s bytes', () => {
  expect(lackOfSpace('/', { share: 0 })).toBeNull();
  expect(lackOfSpace('/', { share: 1.01 })).toMatch(/ free at \/, guard\.min_free asks for /);
});

describe('a mount point', () => {
  const host = [
    '25 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw',
    '30 25 8:17 / /srv/ftp rw - xfs /dev/sdb1 rw',
    '31 25 8:1 /data/own /srv/own rw - ext4 /dev/sda1 rw',
    '32 25 0:40 / /srv/with\\040blank rw - tmpfs tmpfs rw',
  ];
  const sandbox = [
    '40 25 8:1 /srv/cpan /srv/cpan rw - ext4 /dev/sda1 rw',
    '41 30 8:17 /arch /srv/ftp/arch rw - xfs /dev/sdb1 rw',
  ];
  const text = [...host, ...sandbox].join('\n');
  test.each([
    ['/', true],
    ['/srv/ftp', true],
    ['/srv/own', true],
    ['/srv/with blank', true],
    ['/srv', false],
    ['/srv/nothing', false],
    ['/srv/cpan', false], // bound onto itself by ReadWritePaths=
    ['/srv/ftp/arch', false],
  ])('%s: %s', (path, expected) => expect(isMountPoint(path, text)).toBe(expected));
});

describe('a retry', () => {
  const retry = { delay: 600, attempts: 4, max_delay: 1500 };
  const down = { kind: 'failed', failure: 'unavailable', reason: '' } as const;
  test('doubles its delay up to max_delay and ends with the attempts', () => {
    const delays = [1, 2, 3, 4].map((attempt) => retryAt(retry, down, attempt, 0, Infinity));
    expect(delays).toEqual([600_000, 1_200_000, 1_500_000, null]);
  });
  test('is not made past the next slot', () => {
    expect(retryAt(retry, down, 1, 0, 600_001)).toBe(600_000);
    expect(retryAt(retry, down, 1, 0, 600_000)).toBeNull();
  });
  test('is not made where trying again does not help', () => {
    for (const failure of ['auth', 'config', 'dst', 'space'] as const) {
      expect(retryAt(retry, { kind: 'failed', failure, reason: '' }, 1, 0, Infinity)).toBeNull();
    }
    expect(retryAt(retry, { kind: 'blocked', reason: '' }, 1, 0, Infinity)).toBeNull();
    expect(retryAt(retry, { kind: 'interrupted', reason: '' }, 1, 0, Infinity)).toBeNull();
    expect(retryAt(retry, { kind: 'timed-out', reason: '' }, 1, 0, Infinity)).not.toBeNull();
  });
});

describe('a slot missed while the host was down', () => {
  const boot = 1_800_000_000_000;
  test('is made up for within half an hour of boot, at a moment of its own', () => {
    const ids = Array.from({ length: 200 }, (_, i) => `p${i}`);
    const times = ids.map((id) => ((makeUpAt(boot - 1, boot, boot, 'node', id) ?? boot) - boot) / 60_000);
    expect(Math.max(...times)).toBeLessThan(30);
    expect(new Set(times.map(Math.floor)).size).toBeGreaterThan(25);
    expect(makeUpAt(boot - 1, boot, boot, 'node', 'p1')).toBe(
      makeUpAt(boot - 9, boot, boot + 1, 'node', 'p1'),
    );
  });
  test('is served at once when it came after boot, or when the host has been up for long', () => {
    expect(makeUpAt(boot, boot, boot + 1000, 'node', 'x')).toBeNull();
    expect(makeUpAt(boot - 1, boot, boot + 30 * 60_000, 'node', 'x')).toBeNull();
  });
});

describe('the command line of run', () => {
  test('takes its options in any order, before and after the id', () => {
    const parsed = parseRunArguments([
      '--root',
      '/tmp/x/',
      'CTAN',
      '--allow-deletes=5',
      '--json',
      '-c',
      'ignored',
    ]);
    expect(parsed).toMatchObject({
      id: 'CTAN',
      root: '/tmp/x',
      allowDeletes: 5,
      json: true,
      scheduled: false,
    });
    expect(parseRunArguments(['--', 'x'])).toMatchObject({ id: 'x', root: '' });
  });
  test.each([
    [[]],
    [['a', 'b']],
    [['--allow-deletes', 'many', 'a']],
    [['--allow-deletes=-1', 'a']],
    [['--force', 'a']],
    [['a', '--root']],
    [['--scheduled', '--allow-deletes', '1', 'a']],
  ])('%j is a usage error', (argv) => expect(() => parseRunArguments(argv)).toThrow(UsageError));
});

test('a console line follows Python’s format, and a message cannot smuggle fields into it', () => {
  const log = { console_format: '%(levelname)-8s|%(asctime)s|{package}|%(message)s|%(nope)s|100%%' };
  const job = { id: 'CTAN', timezone: 'Asia/Seoul', log } as unknown as Job;
  const line = formatLine(job, job.log.console_format, 'INFO', '{package} %(levelname)s', 1_800_000_000_123);
  expect(line).toBe('INFO    |2027-01-15 17:00:00,123|CTAN|{package} %(levelname)s|%(nope)s|100%');
});

test('time fields have microseconds and follow the zone’s clock changes', () => {
  expect(timeFields(1_800_000_000_000.25, 'UTC')).toEqual({
    year: '2027',
    month: '01',
    day: '15',
    hour: '08',
    minute: '00',
    second: '00',
    microsecond: '000250',
  });
  expect(timeFields(Date.UTC(2027, 6, 1, 12), 'Europe/Berlin').hour).toBe('14');
  expect(timeFields(Date.UTC(2027, 0, 1, 12), 'Europe/Berlin').hour).toBe('13');
});

test('statistics are rsync’s own, not those that a file name imitates', () => {
  const output = [
    'Number of files: 999',
    'Number of files: 12 (reg: 10, dir: 2)',
    'Number of deleted files: 1',
    'Number of regular files transferred: 3',
    'Total file size: 4,096 bytes',
    'Total transferred file size: 300 bytes',
    'Total bytes received: 512',
    'total size is 4096  speedup is 6.91',
  ].join('\n');
  expect(parseRsyncStats(output)).toEqual({
    files: 12,
    total_bytes: 4096,
    transferred_files: 3,
    transferred_bytes: 300,
    received_bytes: 512,
    deleted: 1,
    speedup: 6.91,
  });
  expect(parseRsyncStats('rsync error: x')).toBeNull();
});

test('--root knows what is inside', () => {
  expect(isInside('/tmp/a/srv', '/tmp/a')).toBe(true);
  expect(isInside('/tmp/ab/srv', '/tmp/a')).toBe(false);
  expect(isInside('/tmp/a/../b', '/tmp/a')).toBe(false);
});

test('logs are pruned four times a day', () => {
  const noon = Date.UTC(2026, 10, 22, 12);
  expect(isPruningTime(noon - 1, noon)).toBe(true);
  expect(isPruningTime(noon, noon + 1)).toBe(false);
  expect(isPruningTime(null, noon)).toBe(false);
});
