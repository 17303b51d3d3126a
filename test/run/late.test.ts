import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { install, until } from './fixture.js';
import type { Installation } from './fixture.js';

// Slots whose timer elapses once and in vain: what starts the run then.

let site: Installation;

beforeAll(() => (site = install()));
afterAll(() => site.remove());

const runs = (id: string): number =>
  readFileSync(join(site.root, 'flags', id), { encoding: 'utf8', flag: 'a+' }).length;

/** A package that counts its runs, with a slot one to two minutes ago and the end of its last run before that. */
function lastEnded(id: string, secondsAgo: number, minGap: number): void {
  site.script(id, 'printf x >>$F/$ID', { min_gap: minGap });
  const state = { ...site.state(id), last_end: Date.now() - secondsAgo * 1000 };
  writeFileSync(site.layout.stateFile(id), JSON.stringify(state));
}

test('a run whose slot comes before `min_gap` is over waits for that, and says until when', async () => {
  lastEnded('debian', 300, 303);
  const running = site.start(['run', '--scheduled', '--root', site.root, 'debian']);
  await until(() => site.state('debian').run?.phase === 'waiting', 'the run to wait');
  const { until: moment } = site.state('debian').run ?? {};
  expect(moment).toBe((site.state('debian').last_end ?? 0) + 303_000);
  expect(runs('debian')).toBe(0);
  expect((await running.ended).code).toBe(0);
  expect(site.state('debian').last).toMatchObject({ outcome: 'synced', trigger: 'schedule' });
  expect(site.state('debian').last?.started).toBeGreaterThanOrEqual(moment ?? Infinity);
  expect(runs('debian')).toBe(1);
});

test('it does not wait where the next slot comes first, nor outside a window', async () => {
  lastEnded('weekly', 300, 7 * 86_400);
  expect((await site.run('weekly', '--scheduled')).code).toBe(0);
  expect(site.state('weekly').run).toBeNull();

  lastEnded('nightly', 300, 3600 + 300);
  const minute = Math.floor(Date.now() / 60_000) % 1440;
  const window = { from: (minute + 1440 - 10) % 1440, to: (minute + 10) % 1440 };
  const { schedule } = site.job('nightly');
  site.script('nightly', 'printf x >>$F/$ID', {
    min_gap: 3600 + 300,
    schedule: { ...schedule, windows: [window] },
  });
  expect((await site.run('nightly', '--scheduled')).code).toBe(0);
  expect(site.state('nightly').run).toBeNull();
  expect([runs('weekly'), runs('nightly')]).toEqual([0, 0]);
});

test('a slot that passed during a hold is made up by the tick after its end, once', async () => {
  for (const id of ['expired', 'ended', 'held', 'served']) site.script(id, 'printf x >>$F/$ID');
  expect((await site.run('served')).code).toBe(0);
  const holds = { expired: Date.now() - 1, served: Date.now() - 1, ended: null, held: null };
  for (const [id, end] of Object.entries(holds)) {
    const hold = { since: 1, until: end, by: 'kim', reason: null };
    writeFileSync(site.layout.holdFile(id), JSON.stringify(hold));
  }
  expect((await site.start(['unhold', '--root', site.root, 'ended']).ended).stdout).toBe('ended: released\n');
  const tick = await site.start(['publish', '--root', site.root, '--json']).ended;
  expect(JSON.parse(tick.stdout)).toMatchObject({
    released: ['ended', 'expired', 'served'],
    restarted: ['ended', 'expired'],
  });
  for (const id of ['ended', 'expired']) {
    await until(() => site.state(id).last?.outcome === 'synced', id);
    expect(site.state(id).last).toMatchObject({ trigger: 'schedule' });
  }
  expect(['ended', 'expired', 'held', 'served'].map(runs)).toEqual([1, 1, 0, 1]);
  const next = await site.start(['publish', '--root', site.root, '--json']).ended;
  expect(JSON.parse(next.stdout)).toMatchObject({ released: [], restarted: [] });
});

test('requests without end do not keep one process alive beyond an hour; the last one stays for the next', async () => {
  const request = site.layout.requestFile('pushed');
  const late = join(site.root, 'late');
  const again = `printf '{"at":1,"by":"kim","allow_deletes":null}' >${request}`;
  site.script('pushed', `printf x >>$F/$ID; ${again}; [ $(wc -c <$F/$ID) -lt 3 ] || touch ${late}`);
  const hook = join(site.root, 'two-hours-later.cjs');
  writeFileSync(
    hook,
    `const now = Date.now; const { existsSync } = require('node:fs');
     Date.now = () => now() + (existsSync(${JSON.stringify(late)}) ? 7_200_000 : 0);`,
  );
  const env = { NODE_OPTIONS: `--require ${hook}` };
  const running = site.start(['run', '--scheduled', '--root', site.root, 'pushed'], env);
  // It must not outlive a test that fails.
  const giveUp = setTimeout(() => running.child.kill('SIGKILL'), 30_000);
  expect((await running.ended).code).toBe(0);
  clearTimeout(giveUp);
  expect(runs('pushed')).toBe(3);
  expect(readFileSync(request, 'utf8')).toContain('"by":"kim"');
});
