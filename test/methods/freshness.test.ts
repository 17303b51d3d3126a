import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { layout } from '../../src/job/layout.js';
import type { CheckFreshnessStep } from '../../src/job/step.js';
import type { Turn } from '../../src/run/steps.js';
import { checkFreshness } from '../../src/run/special/freshness.js';
import { parseTime } from '../../src/run/special/marker-time.js';
import { dateInUtc } from '../../src/run/special/write-file.js';
import { startRsyncd } from '../support/rsyncd.js';
import type { Rsyncd } from '../support/rsyncd.js';
import { methodSite } from './site.js';

const upstream = mkdtempSync(join(tmpdir(), 'mirror-upstream-'));
const site = methodSite();
let rsyncd: Rsyncd;

beforeAll(async () => {
  mkdirSync(join(upstream, 'project/trace'), { recursive: true });
  rsyncd = await startRsyncd({ tree: { path: upstream } });
});

afterAll(async () => {
  await rsyncd.stop();
  site.remove();
  rmSync(upstream, { recursive: true, force: true });
});

function publish(at: Date): void {
  const file = join(upstream, 'project/trace/master');
  writeFileSync(file, `${dateInUtc(at)}\nUsed ftpsync version: 2018\n`);
  // Files of one size and one second are the same to rsync.
  utimesSync(file, at, at);
}

function hoursAgo(hours: number): Date {
  return new Date(Math.floor(Date.now() / 1000) * 1000 - hours * 3_600_000);
}

interface Shown {
  readonly status: string;
  readonly reason: string | null;
}

async function shown(): Promise<Shown> {
  const { stdout } = await site.mirror('status', '--json');
  const { packages } = JSON.parse(stdout) as { packages: Record<string, Shown> | Shown[] };
  return Object.values(packages)[0] as Shown;
}

test('an upstream that is itself old makes a synced package stale, and going backwards is said', async () => {
  const tree = {
    synctype: 'rsync',
    freshness: { file: 'project/trace/master', format: 'trace', max_age: 'PT6H' },
    settings: { src: rsyncd.url('tree') },
  };
  await site.apply({ tree }, { localtimezone: 'Asia/Seoul' });
  const recent = hoursAgo(1);
  publish(recent);
  expect(await site.run('tree')).toMatchObject({ code: 0 });
  expect(site.state('tree').freshness).toMatchObject({ time: recent.getTime(), max_age: 21_600 });
  expect((await shown()).status).toBe('ok');

  const old = hoursAgo(10);
  publish(old);
  expect(await site.run('tree')).toMatchObject({ code: 0 });
  expect(site.state('tree').last?.outcome).toBe('synced');
  const seoul = new Date(old.getTime() + 9 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
  expect(site.log('tree')).toContain(`upstream went backwards: its time is ${seoul}, and was `);
  const { status, reason } = await shown();
  expect(status).toBe('stale');
  expect(reason).toContain('upstream itself');
});

test('of several markers the oldest counts, and one that becomes unreadable keeps what it said', async () => {
  const other = join(upstream, 'repodata/repomd.xml');
  mkdirSync(join(upstream, 'repodata'), { recursive: true });
  const revise = (at: Date): void =>
    writeFileSync(other, `<repomd><revision>${String(at.getTime() / 1000)}</revision></repomd>\n`);
  const several = {
    synctype: 'rsync',
    freshness: [
      { file: 'project/trace/master', format: 'trace', max_age: 'PT6H' },
      { file: 'repodata/repomd.xml', format: 'repomd', max_age: 'P2D' },
    ],
    settings: { src: rsyncd.url('tree'), options: { extra_args: ['--checksum'] } },
  };
  await site.apply({ several });
  publish(hoursAgo(1));
  revise(hoursAgo(40));
  expect(await site.run('several')).toMatchObject({ code: 0 });
  expect((await shown()).status).toBe('ok');
  const old = hoursAgo(70);
  revise(old);
  expect(await site.run('several')).toMatchObject({ code: 0 });
  expect(site.state('several').freshness?.time).toBe(old.getTime());
  expect((await shown()).status).toBe('stale');
  writeFileSync(other, '');
  expect(await site.run('several')).toMatchObject({ code: 0 });
  expect((await shown()).status).toBe('stale');
  rmSync(other);
  expect(await site.run('several')).toMatchObject({ code: 0 });
  expect((await shown()).status).toBe('stale');
  expect(site.log('several')).toContain('its time is taken to be the one known');
  revise(hoursAgo(1));
  expect(await site.run('several')).toMatchObject({ code: 0 });
  expect((await shown()).status).toBe('ok');
});

test.each(['FIFO', 'link out of dst', 'directory', 'huge file'])(
  'a %s that upstream serves as its marker is not read',
  (kind) => {
    const dst = mkdtempSync(join(tmpdir(), 'mirror-dst-'));
    onTestFinished(() => rmSync(dst, { recursive: true }));
    const path = join(dst, 'trace');
    if (kind === 'FIFO') spawnSync('mkfifo', [path]);
    else if (kind === 'directory') mkdirSync(path);
    else if (kind === 'link out of dst') symlinkSync(join(upstream, 'project/trace/master'), path);
    else {
      writeFileSync(path, dateInUtc(hoursAgo(1)));
      truncateSync(path, 2 ** 31);
    }
    const notes = freshnessNotes(dst, path);
    expect(notes).toEqual([`no trace time in ${path}: how fresh upstream is cannot be told`]);
  },
);

test('a link within dst to a marker is read', () => {
  const dst = mkdtempSync(join(tmpdir(), 'mirror-dst-'));
  onTestFinished(() => rmSync(dst, { recursive: true }));
  writeFileSync(join(dst, 'real'), dateInUtc(hoursAgo(1)));
  symlinkSync('real', join(dst, 'trace'));
  expect(freshnessNotes(dst, join(dst, 'trace'))).toEqual([expect.stringContaining("upstream's time is")]);
});

/** What a check of freshness says in the log. */
function freshnessNotes(dst: string, path: string): string[] {
  const notes: string[] = [];
  const job = { id: 'tree', dst, timezone: 'UTC' };
  const session = { job, layout: layout(dst), state: {} };
  const log = { note: (_: string, words: string) => notes.push(words) };
  const step = {
    kind: 'check-freshness',
    path,
    format: 'trace',
    max_age: null,
    monotonic: false,
    refuse: false,
  };
  checkFreshness({ session, log } as unknown as Turn, step as CheckFreshnessStep, undefined);
  return notes;
}

describe('a time in a marker', () => {
  test.each([
    ['epoch', '1795399509\n', '2026-11-23T02:05:09.000Z'],
    ['epoch', 'Mon Nov 23\n', null],
    ['date', 'Mon Nov 23 02:05:09 UTC 2026\n', '2026-11-23T02:05:09.000Z'],
    ['date', '2026-11-23 02:05:09\n', '2026-11-23T02:05:09.000Z'],
    ['date', '', null],
    ['trace', 'Date: Mon, 23 Nov 2026 02:05:09 +0000\nCreator: x\n', '2026-11-23T02:05:09.000Z'],
    ['trace', 'Mon Nov 23 02:05:09 UTC 2026\nUsed ftpsync\n', '2026-11-23T02:05:09.000Z'],
    ['release', 'Origin: Debian\nDate: Sat, 21 Nov 2026 10:00:00 UTC\n', '2026-11-21T10:00:00.000Z'],
    ['release', 'Origin: Debian\n', null],
    // What date(1) prints in zones that have one meaning, and in those that have not.
    ['date', 'Mon Nov 30 16:44:21 EST 2026', '2026-11-30T21:44:21.000Z'],
    ['date', 'Mon Nov 30 16:44:21 PDT 2026', '2026-11-30T23:44:21.000Z'],
    ['date', 'Mon Nov 30 16:44:21 KST 2026', '2026-11-30T07:44:21.000Z'],
    ['date', 'Mon Nov 30 16:44:21 CET 2026', '2026-11-30T15:44:21.000Z'],
    ['date', 'Mon Nov 30 16:44:21 -03 2026', '2026-11-30T19:44:21.000Z'],
    ['date', 'Mon Nov 30 16:44:21 +0545 2026', '2026-11-30T10:59:21.000Z'],
    ['date', 'Mon 30 Nov 2026 04:44:21 PM UTC', '2026-11-30T16:44:21.000Z'],
    ['date', 'Mon Nov 30 12:04:21 AM UTC 2026', '2026-11-30T00:04:21.000Z'],
    ['date', 'Mon Nov 30 16:44:21 2026', '2026-11-30T16:44:21.000Z'],
    ...['CST', 'IST', 'BST', 'PST', 'AST', 'XYZ', 'constructor'].map(
      (zone) => ['date', `Mon Nov 30 16:44:21 ${zone} 2026`, null] as const,
    ),
    // RFC 5322, whose zones of mail have one meaning.
    ['trace', 'Date: Mon, 30 Nov 2026 16:44:21 CST', '2026-11-30T22:44:21.000Z'],
    ['trace', 'Date: Mon, 30 Nov 2026 16:44:21 PST', '2026-12-01T00:44:21.000Z'],
    ['trace', 'Date: 30 Nov 2026 16:44 -0500 (EST)', '2026-11-30T21:44:00.000Z'],
    ['trace', 'Date: Mon, 30 Nov 2026 16:44:21 IST', null],
    ['release', 'Date: Sat, 31 Feb 2026 10:00:00 UTC', null],
    // ISO 8601, whatever zone the site is in.
    ['date', '2026-11-30 16:44:21 (UTC)', '2026-11-30T16:44:21.000Z'],
    ['date', '2026-11-30T16:44:21.123+09:00', '2026-11-30T07:44:21.000Z'],
    ['date', '20261130T164421Z', '2026-11-30T16:44:21.000Z'],
    ['date', '2026-11-30', '2026-11-30T00:00:00.000Z'],
    ['date', '2026-11-30 16:44:21 CST', null],
    ['date', '2026-13-30 16:44:21', null],
    ['date', '11/30/2026 16:44', null],
    ['manjaro', 'state=5\nbranch=stable\ndate=2018-01-25T21:52:18Z\n', '2018-01-25T21:52:18.000Z'],
    ['manjaro', 'state=5\n', null],
    ['repomd', '<repomd>\n  <revision>1795399509</revision>\n', '2026-11-23T02:05:09.000Z'],
    [
      'repomd',
      '<revision>f41</revision>' + '<timestamp>1795399508</timestamp><timestamp>1795399509</timestamp>',
      '2026-11-23T02:05:09.000Z',
    ],
    ['repomd', '<revision>f41</revision>', null],
  ] as const)('%s: %j', (format, text, expected) => {
    const time = parseTime(text, format);
    expect(time === null ? null : new Date(time).toISOString()).toBe(expected);
  });
});
