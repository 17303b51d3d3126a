import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseTime } from '../../src/run/special/freshness.js';
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
