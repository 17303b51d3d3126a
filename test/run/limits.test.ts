import { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acquireSlots, releaseAll } from '../../src/run/limits.js';
import type { SlotWish } from '../../src/run/limits.js';
import type { Interruption } from '../../src/run/signals.js';
import { install, until } from './fixture.js';
import type { Installation } from './fixture.js';

const nobody: Interruption = { signal: null, subscribe: () => () => undefined };
let site: Installation;

beforeAll(() => void (site = install()));
afterAll(() => site.remove());

function wish(change: Partial<SlotWish> = {}): SlotWish {
  const limits = { concurrent: 1, per_upstream: 1, load_max: null };
  return {
    id: 'debian',
    upstream: 'ftp.example.org',
    limits,
    lastSuccess: null,
    until: Date.now() + 300,
    ...change,
  };
}

async function acquire(change: Partial<SlotWish> = {}): Promise<{ got: string | number; waits: number }> {
  let waits = 0;
  const got = await acquireSlots(site.layout, wish(change), nobody, () => void (waits += 1));
  if (typeof got !== 'string') releaseAll(got);
  return { got: typeof got === 'string' ? got : got.length, waits };
}

describe('slots', () => {
  test('are an upstream slot and a site slot, and none where there is no limit', async () => {
    expect(await acquire()).toEqual({ got: 2, waits: 0 });
    expect(await acquire({ upstream: null })).toEqual({ got: 1, waits: 0 });
    const unlimited = { concurrent: 0, per_upstream: 0, load_max: null };
    expect(await acquire({ limits: unlimited })).toEqual({ got: 0, waits: 0 });
  });

  test('that do not come free until the next slot is due make the run busy, and leave no trace', async () => {
    const held = await acquireSlots(site.layout, wish(), nobody, () => undefined);
    expect(await acquire({ id: 'CTAN' })).toEqual({ got: 'busy', waits: 1 });
    expect(existsSync(site.layout.waitingFile('CTAN'))).toBe(false);
    // Another upstream's slot is free, the site's is not: the former is let go, too.
    expect(await acquire({ id: 'CTAN', upstream: 'other.example.org' })).toEqual({ got: 'busy', waits: 1 });
    if (typeof held !== 'string') releaseAll(held);
    expect(await acquire({ id: 'CTAN', upstream: 'other.example.org' })).toEqual({ got: 2, waits: 0 });
  });

  test('are not given while the load is too high', async () => {
    const limits = { concurrent: 0, per_upstream: 0, load_max: -1 };
    expect(await acquire({ limits })).toEqual({ got: 'busy', waits: 1 });
    expect(await acquire({ limits: { ...limits, load_max: 1e6 } })).toEqual({ got: 0, waits: 0 });
  });

  test('are kept for a run that waits for long: it renews its note', async () => {
    const held = await acquireSlots(site.layout, wish(), nobody, () => undefined);
    const note = site.layout.waitingFile('patient');
    const patient = acquireSlots(
      site.layout,
      wish({ id: 'patient', until: Date.now() + 60_000 }),
      nobody,
      () => undefined,
    );
    await until(() => existsSync(note), 'the note');
    const aMinuteAgo = Date.now() / 1000 - 60;
    utimesSync(note, aMinuteAgo, aMinuteAgo);
    await until(() => statSync(note).mtimeMs > aMinuteAgo * 1000 + 1000, 'the note to be renewed');
    if (typeof held !== 'string') releaseAll(held);
    const got = await patient;
    expect(got).toHaveLength(2);
    if (typeof got !== 'string') releaseAll(got);
  });

  test('are not kept back for a waiting run that died', async () => {
    const note = { for: 'site', since: 0, last_success: null };
    writeFileSync(site.layout.waitingFile('dead'), JSON.stringify(note));
    expect(await acquire({ lastSuccess: 1 })).toEqual({ got: 'busy', waits: 1 });
    const aMinuteAgo = Date.now() / 1000 - 60;
    utimesSync(site.layout.waitingFile('dead'), aMinuteAgo, aMinuteAgo);
    expect(await acquire({ lastSuccess: 1 })).toEqual({ got: 2, waits: 0 });
  });
});
