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
import { checkFreshness, parseTime } from '../../src/run/special/freshness.js';
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
  checkFreshness({ session, log } as unknown as Turn, step as CheckFreshnessStep);
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
  ] as const)('%s: %j', (format, text, expected) => {
    const time = parseTime(text, format);
    expect(time === null ? null : new Date(time).toISOString()).toBe(expected);
  });
});
