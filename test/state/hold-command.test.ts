import { readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { holdPackages, unholdPackages } from '../../src/commands/holding.js';
import { parseMoment } from '../../src/commands/moment.js';
import type { Layout } from '../../src/job/layout.js';
import type { SiteFile } from '../../src/job/site-file.js';
import { emptyState } from '../../src/state/package-state.js';
import { runEnded } from '../../src/state/reduce.js';
import { readHold, writeState } from '../../src/state/store.js';
import { outputOf, type Ran } from './output-of.js';
import { aPackage, aRecord, HOUR, makeSite, NOON } from './site.js';

let layout: Layout;
let site: SiteFile;

beforeEach(() => {
  ({ layout, site } = makeSite([aPackage('debian'), aPackage('CTAN')]));
  for (const id of ['debian', 'CTAN']) writeState(layout, runEnded(emptyState(id), aRecord('synced', NOON)));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(layout.root, { recursive: true });
});

describe('mirror hold', () => {
  test('records who, why and until when, and publishes it at once', async () => {
    vi.stubEnv('SUDO_USER', 'kim');
    const { stdout } = await hold({ id: ['debian'], until: 'PT6H', reason: 'new disk\u001b[2J' });
    expect(stdout).toBe('debian: held until 2026-11-23 03:00:00\n');
    expect(readHold(layout, 'debian', NOON)).toEqual({
      since: NOON,
      until: NOON + 6 * HOUR,
      by: 'kim',
      reason: 'new disk',
    });
    expect(published()).toEqual({ debian: 'UNKNOWN', CTAN: 'ACTIVE' });
  });

  test('--all holds every package, until somebody ends it', async () => {
    expect((await hold({ all: true })).stdout).toContain('CTAN: held until `mirror unhold`');
    expect(published()).toEqual({ debian: 'UNKNOWN', CTAN: 'UNKNOWN' });
  });

  test('prints one JSON object', async () => {
    vi.stubEnv('SUDO_USER', 'kim');
    const { stdout } = await hold({ id: ['debian'], until: '2026-11-23T00:00:00Z', json: true });
    expect(JSON.parse(stdout)).toEqual({
      format: 'mirror/hold/1',
      packages: ['debian'],
      since: '2026-11-22T12:00:00.000Z',
      until: '2026-11-23T00:00:00.000Z',
      by: 'kim',
      reason: null,
    });
  });

  test.each([
    [{ id: [] }, 64, 'name packages, or --all'],
    [{ id: ['debian'], all: true }, 64, 'name packages, or --all'],
    [{ id: ['debian'], until: 'tomorrow' }, 64, 'neither a duration (PT6H) nor a time'],
    [{ id: ['debian'], until: '2026-11-22T20:59' }, 64, '2026-11-22 20:59:00 is not in the future'],
    [{ id: ['debain'] }, 66, 'did you mean `debian`'],
    [{ id: ['debian', 'nope'] }, 66, 'no package `nope`'],
  ])('refuses %j', async (options, exit, message) => {
    expect(await hold(options)).toMatchObject({ exit, message: expect.stringContaining(message) as string });
    expect(published()).toEqual({});
    expect(readHold(layout, 'debian', NOON)).toBeNull();
  });

  test('without a state directory it says what to run', async () => {
    rmSync(`${layout.state}/hold`, { recursive: true });
    const ran = await hold({ id: ['debian'] });
    expect(ran).toMatchObject({ exit: 73, message: expect.stringContaining('mirror setup') as string });
  });
});

describe('mirror unhold', () => {
  test('ends a hold and publishes it at once', async () => {
    await hold({ all: true });
    expect((await unhold({ id: ['debian'] })).stdout).toBe('debian: released\n');
    expect(published()).toEqual({ debian: 'ACTIVE', CTAN: 'UNKNOWN' });
    expect((await unhold({ id: ['debian'] })).stdout).toBe('debian: was not held\n');
    expect((await unhold({ all: true })).stdout).toBe('CTAN: released\n');
    expect((await unhold({ all: true })).stdout).toBe('no package was held\n');
    expect((await unhold({ all: true, json: true })).stdout).toContain('"packages": []');
  });
});

describe('a moment that a person typed', () => {
  const day = Date.UTC(2026, 10, 30);
  test.each([
    ['PT90M', 'UTC', NOON + 1.5 * HOUR],
    ['2026-11-30T00:00:00Z', 'Asia/Seoul', day],
    ['2026-11-30T09:00+09:00', 'UTC', day],
    ['2026-11-30T09:00', 'Asia/Seoul', day],
    ['2026-11-30 09:00:00', 'Asia/Seoul', day],
    ['2026-11-30', 'Asia/Seoul', day - 9 * HOUR],
    ['2026-11-30', 'America/New_York', day + 5 * HOUR],
    // An hour and a half after the clocks went forward.
    ['2027-03-28T04:30', 'Europe/Berlin', Date.UTC(2027, 2, 28, 2, 30)],
    ['2027-03-28T01:30', 'Europe/Berlin', Date.UTC(2027, 2, 28, 0, 30)],
  ])('%s in %s', (text, zone, at) => expect(parseMoment(text, NOON, zone)).toBe(at));

  test.each(['', 'soon', '6h', '2026-02-31', '2026-13-01T00:00Z', '12:00', '2026-11-30T25:00'])(
    '%j is none',
    (text) => {
      expect(parseMoment(text, NOON, 'UTC')).toBeNull();
    },
  );
});

function hold(options: object): Promise<Ran> {
  return outputOf(() => holdPackages({ root: layout.root, json: false, all: false, ...options }, NOON));
}

function unhold(options: object): Promise<Ran> {
  return outputOf(() => unholdPackages({ root: layout.root, json: false, all: false, ...options }, NOON));
}

function published(): Record<string, unknown> {
  try {
    const status = JSON.parse(readFileSync(site.statusfile, 'utf8')) as Record<string, { status: string }> & {
      lists: string[];
    };
    return Object.fromEntries(status.lists.map((id) => [id, status[id]?.status]));
  } catch {
    return {};
  }
}
