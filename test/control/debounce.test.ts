import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pushWords } from '../../src/run/push-words.js';
import { pushNotBefore, servedFrom } from '../../src/state/debounce.js';
import { emptyState, type Request } from '../../src/state/package-state.js';
import { readRequest, writeRequest } from '../../src/state/store.js';
import { install, until, type Installation, type RunResult } from '../run/fixture.js';
import { aRecord, aRun, NOON } from '../state/site.js';

const asked = (change: Partial<Request> = {}): Request => ({
  at: NOON,
  by: 'kim',
  allow_deletes: null,
  ...change,
});

describe('a push', () => {
  const pushed = {
    ...emptyState('x'),
    last: { ...aRecord('synced', NOON), trigger: 'push' as const, started: NOON },
  };

  test('waits for the rest of the debounce after a pushed run’s start, and no longer', () => {
    expect(pushNotBefore(pushed, 60, NOON + 20_000)).toBe(NOON + 60_000);
    expect(pushNotBefore(pushed, 60, NOON + 60_000)).toBeNull();
    expect(pushNotBefore(pushed, 0, NOON + 1)).toBeNull();
  });

  test('joins the one that waits already', () => {
    const run = aRun({ trigger: 'push', phase: 'waiting', started: NOON + 20_000, until: NOON + 60_000 });
    expect(pushNotBefore({ ...pushed, run }, 60, NOON + 30_000)).toBe(NOON + 60_000);
    expect(
      pushNotBefore({ ...pushed, run: { ...run, phase: 'running', until: null } }, 60, NOON + 30_000),
    ).toBe(NOON + 80_000);
  });

  test('does not wait for a person’s or a timer’s run, nor for a start in the future', () => {
    const scheduled = { ...emptyState('x'), last: { ...aRecord('synced', NOON), started: NOON } };
    expect(pushNotBefore(scheduled, 60, NOON + 1)).toBeNull();
    expect(pushNotBefore(emptyState('x'), 60, NOON)).toBeNull();
    expect(pushNotBefore(pushed, 60, NOON - 3_600_000)).toBeNull();
  });

  test('is served at its time, and at once when the clock was set back', () => {
    expect(servedFrom(asked({ not_before: NOON + 60_000 }), NOON)).toBe(NOON + 60_000);
    expect(servedFrom(asked(), NOON)).toBe(0);
    expect(servedFrom(asked({ at: NOON + 5000, not_before: NOON + 60_000 }), NOON)).toBe(0);
    expect(servedFrom(asked({ not_before: NOON * 2 }), NOON)).toBe(NOON + 1_800_000);
  });
});

describe('words of a push', () => {
  test('are kept when they are plain, each once, and no more than sixteen', () => {
    expect(pushWords('sync:archive:debian sync:stage1 sync:stage1')).toEqual({
      kept: ['sync:archive:debian', 'sync:stage1'],
      left: 0,
    });
    expect(pushWords('a; $(b) `c` "d" -e ../f x').kept).toEqual(['x']);
    expect(pushWords(Array.from({ length: 40 }, (_, i) => `w${String(i)}`)).kept).toHaveLength(16);
    expect(pushWords('')).toEqual({ kept: [], left: 0 });
  });
});

describe('requests that wait together', () => {
  let site: Installation;
  beforeAll(() => {
    site = install();
    mkdirSync(join(site.root, 'flags'));
  });
  afterAll(() => site.remove());

  const both = (older: Request, newer: Request): Request | null => {
    writeRequest(site.layout, 'two', older);
    writeRequest(site.layout, 'two', newer);
    const request = readRequest(site.layout, 'two');
    writeRequest(site.layout, 'two', asked());
    site.layout.requestFile('two');
    return request;
  };

  test('begin at the earlier of their times, with the words of both', async () => {
    const { takeRequest } = await import('../../src/state/store.js');
    const push = (not_before: number, word: string): Request =>
      asked({ push: true, not_before, words: [word] });
    expect(both(push(NOON + 5, 'a'), push(NOON + 9, 'b'))).toEqual({
      ...push(NOON + 5, 'a'),
      words: ['a', 'b'],
    });
    takeRequest(site.layout, 'two');
    // A person's word makes it a person's: at once.
    expect(both(push(NOON + 5, 'a'), asked())).toEqual(asked({ words: ['a'] }));
    takeRequest(site.layout, 'two');
    expect(both(asked({ allow_deletes: 7 }), push(NOON + 5, 'b'))).toEqual(
      asked({ allow_deletes: 7, words: ['b'] }),
    );
  });

  const mirror = (...args: string[]): Promise<RunResult> => site.start([...args, '--root', site.root]).ended;
  const runs = (id: string): string[] => {
    const path = join(site.root, 'flags', id);
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  };
  const script = (id: string): void => {
    const argv = ['sh', '-c', `date +%s.%N >> ${join(site.root, 'flags', id)}`];
    const step = { kind: 'exec', tool: 'command', argv, env: {} } as const;
    site.job(id, { attempts: [{ src: 'x', upstream: null, steps: [step] }] });
  };

  test('a burst of pushes makes a run at once and one more at the end of the debounce', async () => {
    script('burst');
    await mirror('push', 'burst', '--debounce', 'PT4S');
    await until(() => site.state('burst').last !== null && site.state('burst').run === null);
    const more = await Promise.all(
      [1, 2, 3].map(() => mirror('push', 'burst', '--debounce', 'PT4S', '--json')),
    );
    for (const { stdout } of more)
      expect(JSON.parse(stdout)).toMatchObject({ packages: [{ not_before: expect.any(String) as string }] });
    // The history is written last.
    await until(() => site.history('burst').length === 2);
    const [first = 0, second = 0] = runs('burst').map(Number);
    expect(second - first).toBeGreaterThan(3.9);
    expect(site.history('burst').map(({ trigger }) => trigger)).toEqual(['push', 'push']);
    await new Promise((next) => setTimeout(next, 500));
    expect(runs('burst')).toHaveLength(2);
  });

  test('a person who asks does not wait for a push that does', async () => {
    script('person');
    await mirror('push', 'person');
    await until(() => site.state('person').last !== null && site.state('person').run === null);
    await mirror('push', 'person');
    await until(() => site.state('person').run?.phase === 'waiting');
    await mirror('start', 'person');
    await until(() => runs('person').length === 2 && site.state('person').run === null);
    expect(site.state('person').last?.trigger).toBe('request');
  });

  test('stop ends one that waits, and its request with it', async () => {
    script('stopped');
    await mirror('push', 'stopped');
    await until(() => site.state('stopped').last !== null && site.state('stopped').run === null);
    await mirror('push', 'stopped');
    await until(() => site.state('stopped').run?.phase === 'waiting');
    expect((await mirror('stop', 'stopped')).stdout).toBe('stopped: stopped\n');
    expect(existsSync(site.layout.requestFile('stopped'))).toBe(false);
    expect(runs('stopped')).toHaveLength(1);
  });

  test('a killed one loses nothing: publish starts it again', async () => {
    script('killed');
    await mirror('push', 'killed', '--debounce', 'PT3S');
    await until(() => site.state('killed').last !== null && site.state('killed').run === null);
    await mirror('push', 'killed', '--debounce', 'PT3S');
    await until(() => site.state('killed').run?.phase === 'waiting');
    process.kill(site.state('killed').run?.pid ?? NaN, 'SIGKILL');
    await mirror('publish');
    await until(() => runs('killed').length === 2 && site.state('killed').run === null);
  });

  test('nonsense for a debounce is a usage error', async () => {
    for (const text of ['60', 'P1D', 'PT-1S'])
      expect((await mirror('push', 'killed', '--debounce', text)).code).toBe(64);
  });
});
