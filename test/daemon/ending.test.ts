import { expect, test } from 'vitest';
import type { Child } from '../../src/daemon/children.js';
import type { Event } from '../../src/daemon/daemon.js';
import { endAllRuns } from '../../src/daemon/ending.js';
import { appliedOf, living, starterOf } from './world.js';

type Ending = Parameters<typeof endAllRuns>[0];

/** Ends these runs with a clock that moves only while it sleeps; seconds that it took, what was said, and how many were left. */
async function end(
  parts: Pick<Ending, 'runs'> & Partial<Ending>,
): Promise<{ readonly left: number; readonly seconds: number; readonly events: Event[] }> {
  const events: Event[] = [];
  let now = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
      await new Promise((next) => setImmediate(next));
    },
    wake: () => undefined,
  };
  const left = await endAllRuns({
    clock,
    starter: starterOf(() => errand(() => undefined)),
    applied: appliedOf({ debian: { rule: { kind: 'none' }, windows: [], zone: 'UTC' } }),
    helpers: [],
    isHurried: () => false,
    say: (event) => events.push(event),
    ...parts,
  });
  return { left, seconds: now / 1000, events };
}

/** An errand that finds nothing. */
function errand(heard: (name: string) => void): Child {
  const child = living(7, heard);
  child.end();
  return child;
}

test('every run of its own is told to end, and `mirror publish` may finish: runs that are over rely on it', async () => {
  const told: string[] = [];
  const run = living(1, (name) => {
    told.push(`run ${name}`);
    run.end();
    setImmediate(() => setImmediate(publisher.end));
  });
  const publisher = living(2, (name) => told.push(`publisher ${name}`));
  const { left, events } = await end({ runs: [run], helpers: [publisher] });
  expect(told).toEqual(['run SIGTERM']);
  expect(left).toBe(0);
  expect(events).toEqual([
    { event: 'stopping', runs: 1 },
    { event: 'stopped', left: 0 },
  ]);
});

test('a deaf run is killed when patience is over', async () => {
  const told: string[] = [];
  const run = living(1, (name) => {
    told.push(name);
    if (name === 'SIGKILL') run.end();
  });
  const { left, seconds } = await end({ runs: [run] });
  expect(told).toEqual(['SIGTERM', 'SIGKILL']);
  expect(left).toBe(0);
  expect(seconds).toBeGreaterThanOrEqual(30);
  expect(seconds).toBeLessThan(31);
});

test('an errand that hangs, and a publisher that does, hold it up for seconds and are killed', async () => {
  const heard: string[] = [];
  const { left, seconds } = await end({
    runs: [],
    starter: starterOf(() => living(7, (name) => heard.push(`errand ${name}`))),
    helpers: [living(2, (name) => heard.push(`publisher ${name}`))],
  });
  expect(left).toBe(0);
  expect(heard).toEqual(['publisher SIGKILL', 'errand SIGKILL']);
  expect(seconds).toBeLessThan(11);
});

test('it waits for what an errand has told to end, and counts nobody’s words twice', async () => {
  const orders: (string | null)[] = [];
  const heard: string[] = [];
  const own = living(1, () => own.end());
  const hostile = (obey: (order: string) => Promise<string | null>): Child => {
    const child = living(7, (name) => heard.push(name));
    const say = async (): Promise<void> => {
      // Its own child is the daemon's to tell; there is but one package; and who ends what was never told?
      for (const order of ['end 1', 'end 44', 'end 45', 'end x', 'ended 46', 'start debian', 'all-told'])
        orders.push(await obey(order));
    };
    void say();
    return child;
  };
  const { left, events } = await end({ runs: [own], starter: starterOf((_, obey) => hostile(obey)) });
  const refused = 'not to be ended';
  expect(orders).toEqual([refused, null, refused, refused, null, refused, null]);
  expect(events).toEqual([
    { event: 'stopping', runs: 2 },
    { event: 'stopped', left: 1 },
  ]);
  expect([left, heard]).toEqual([1, ['SIGTERM', 'SIGKILL']]);
});

test('a second signal ends it at once', async () => {
  const { left, seconds } = await end({ runs: [living(1, () => undefined)], isHurried: () => true });
  expect([left, seconds]).toEqual([1, 0]);
});
