import { describe, expect, test } from 'vitest';
import { classify } from '../../src/run/classify.js';
import { command as commandTable } from '../../src/run/tools/command.js';
import { rsync as rsyncTable } from '../../src/run/tools/rsync.js';

function rsync(exit: number, output = '', accept = {}): string {
  const outcome = classify(rsyncTable, { exit, signal: null, output }, accept);
  return outcome.kind === 'failed' ? outcome.failure : outcome.kind;
}

function command(exit: number): string {
  const outcome = classify(commandTable, { exit, signal: null, output: '' });
  return outcome.kind === 'failed' ? outcome.failure : outcome.kind;
}

describe('an exit code of rsync', () => {
  test.each([
    [0, 'synced'],
    [1, 'config'],
    [2, 'config'],
    [3, 'io'],
    [4, 'config'],
    [5, 'unavailable'],
    [10, 'unavailable'],
    [11, 'io'],
    [12, 'unavailable'],
    [13, 'tool'],
    [14, 'io'],
    [20, 'interrupted'],
    [22, 'io'],
    [23, 'transfer'],
    [24, 'partial'],
    [25, 'blocked'],
    [30, 'unavailable'],
    [35, 'unavailable'],
    [99, 'tool'],
    [127, 'config'],
    [255, 'unavailable'],
  ])('%i alone means %s', (exit, expected) => expect(rsync(exit)).toBe(expected));

  test.each([
    [5, '@ERROR: auth failed on module debian', 'auth'],
    [5, 'Password: @ERROR: auth failed on module debian', 'auth'],
    [5, '@ERROR: Unknown module ’debian’'.replace(/’/g, "'"), 'auth'],
    [5, '@ERROR: access denied to debian from ::1 (::1)', 'auth'],
    [5, '@ERROR: max connections (2) reached -- try again later', 'unavailable'],
    [12, 'rsync: [receiver] write failed on "/srv/x": No space left on device (28)', 'space'],
    [23, 'rsync: [generator] recv_generator: mkdir "/srv/x" failed: Disk quota exceeded (122)', 'space'],
    [23, 'rsync: [receiver] mkstemp "/srv/.x.Bi3" failed: Permission denied (13)', 'dst'],
    [23, 'rsync: [sender] send_files failed to open "/x": Permission denied (13)', 'transfer'],
    [23, 'rsync: [sender] read errors mapping "x": No space left on device (28)', 'transfer'],
    [255, 'backup@host: Permission denied (publickey).', 'auth'],
    [12, 'Host key verification failed.', 'auth'],
    [24, 'Deletions stopped due to --max-delete limit (12 skipped)', 'blocked'],
    [23, 'Deletions stopped due to --max-delete limit (12 skipped)', 'blocked'],
  ])('%i with "%s" means %s', (exit, output, expected) =>
    expect(rsync(exit, `building\n${output}\n`)).toBe(expected),
  );

  test('that accept_exit allows is incomplete, unless the guard tripped or the disk is full', () => {
    const accept = { 23: 'upstream hides some files', 25: 'never mind', 0: 'nonsense' };
    expect(rsync(23, '', accept)).toBe('incomplete');
    expect(rsync(23, 'rsync: write failed: No space left on device (28)', accept)).toBe('space');
    expect(rsync(25, '', accept)).toBe('blocked');
    expect(rsync(0, '', accept)).toBe('synced');
  });

  test('is explained by the line that says most, without control characters', () => {
    const output =
      'receiving file list\nrsync: [Receiver] failed to connect: \u001b[31mrefused (111)\nrsync error: x\n';
    const outcome = classify(rsyncTable, { exit: 10, signal: null, output });
    expect(outcome).toMatchObject({
      reason:
        'connection to upstream failed (exit 10): rsync: [Receiver] failed to connect: ?[31mrefused (111)',
    });
  });
});

describe('a signal', () => {
  test('that asks to end is an interruption, any other a crash', () => {
    const end = (signal: NodeJS.Signals): string =>
      classify(rsyncTable, { exit: null, signal, output: '' }).kind;
    expect([end('SIGTERM'), end('SIGHUP'), end('SIGKILL'), end('SIGSEGV')]).toEqual([
      'interrupted',
      'interrupted',
      'failed',
      'failed',
    ]);
  });
});

test.each([
  [0, 'synced'],
  [1, 'tool'],
  [69, 'unavailable'],
  [73, 'space'],
  [74, 'io'],
  [75, 'unavailable'],
  [77, 'auth'],
  [78, 'config'],
])('exit %i of a command means %s', (exit, expected) => expect(command(exit)).toBe(expected));
