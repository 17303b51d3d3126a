import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.js';
import type { PackageState } from '../../src/state/package-state.js';
import { ENTRY, install, toolGroup, until } from './fixture.js';
import type { Installation } from './fixture.js';

let site: Installation;

beforeAll(() => {
  site = install();
  mkdirSync(join(site.root, 'flags'));
});
afterAll(() => site.remove());

/** Its first run stays until it is ended, every other one ends at once. */
const TWICE = 'echo x >>$F; [ $(wc -l <$F) -gt 1 ] || exec sleep 60';

function package_(id: string, change: Partial<Job> = {}): void {
  const env = { F: join(site.root, 'flags', id) };
  const step = { kind: 'exec', tool: 'command', argv: ['sh', '-c', TWICE], env } as const;
  site.job(id, { attempts: [{ src: 'x', upstream: null, steps: [step] }], ...change });
}

const runs = (id: string): number => {
  const path = join(site.root, 'flags', id);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
};

/** Starts the scheduled run and ends executor and tool; what the state then says is `recorded`. */
async function cutOff(id: string, how: 'SIGKILL' | 'SIGTERM', recorded: Partial<PackageState['run']> = {}) {
  const running = site.start(['run', '--scheduled', '--root', site.root, id]);
  await until(() => runs(id) === 1, id);
  const group = toolGroup(site.state(id).run) ?? NaN;
  running.child.kill(how);
  if (how === 'SIGKILL') process.kill(-group, 'SIGKILL');
  await running.ended;
  const state = site.state(id);
  if (state.run === null) return;
  const run = { ...state.run, ...recorded };
  writeFileSync(site.layout.stateFile(id), JSON.stringify({ ...state, run }));
}

/** What the tick started again. */
async function tick(): Promise<string[]> {
  const { code, stdout } = await site.start(['publish', '--root', site.root, '--json']).ended;
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { restarted: string[] }).restarted;
}

const ANOTHER_BOOT = { boot_id: 'the one before' };
const DAILY_LATER = {
  rule: { kind: 'interval', every: 86_400, phase: 0 },
  windows: [],
  zone: 'UTC',
} as const;

test('a run that a power cut ended is started again by the first tick, as the scheduled run it was', async () => {
  package_('debian');
  await cutOff('debian', 'SIGKILL', ANOTHER_BOOT);
  expect(await tick()).toEqual(['debian']);
  await until(() => site.history('debian').length === 2, 'the second run');
  expect(site.history('debian')).toMatchObject([
    { outcome: 'interrupted', exit: 137 },
    { outcome: 'synced', trigger: 'schedule' },
  ]);
  expect(await tick()).toEqual([]);
});

test('one whose executor died waits the delay of a retry first', async () => {
  package_('quick', { retry: { delay: 0, attempts: 1, max_delay: 0 } });
  package_('slow');
  for (const id of ['quick', 'slow']) await cutOff(id, 'SIGKILL');
  expect(await tick()).toEqual(['quick']);
  await until(() => site.state('quick').last?.outcome === 'synced', 'quick');
  const state = site.state('slow');
  const ended = (state.last?.ended ?? 0) - 601_000;
  writeFileSync(site.layout.stateFile('slow'), JSON.stringify({ ...state, last: { ...state.last, ended } }));
  expect(await tick()).toEqual(['slow']);
  await until(() => site.state('slow').last?.outcome === 'synced', 'slow');
});

test('one that a push had started is started again as a push, though it has no slot, and no more than once', async () => {
  const ids = ['pushed', 'asked-for'];
  for (const id of ids) {
    package_(id, { schedule: { rule: { kind: 'none' }, windows: [], zone: 'UTC' } });
    await site.start([id === 'pushed' ? 'push' : 'start', '--root', site.root, id]).ended;
    await until(() => runs(id) === 1 && toolGroup(site.state(id).run) !== null, id);
    const { run } = site.state(id);
    const group = toolGroup(run);
    process.kill(run?.pid ?? NaN, 'SIGKILL');
    process.kill(-(group ?? NaN), 'SIGKILL');
    const cut = { ...site.state(id), run: { ...run, ...ANOTHER_BOOT } };
    writeFileSync(site.layout.stateFile(id), JSON.stringify(cut));
  }
  expect(await tick()).toEqual(['pushed']);
  await until(() => site.state('pushed').last?.outcome === 'synced', 'pushed');
  expect(site.state('pushed').last).toMatchObject({ trigger: 'push' });
  expect(await tick()).toEqual([]);
  for (const id of ids) expect(runs(id)).toBe(id === 'pushed' ? 2 : 1);
});

test('what a person stopped, held or a signal ended, and what is not due, is left alone', async () => {
  for (const id of ['signalled', 'told', 'held']) package_(id);
  await cutOff('signalled', 'SIGTERM');
  for (const id of ['told', 'held']) await cutOff(id, 'SIGKILL', ANOTHER_BOOT);
  writeFileSync(site.layout.stopFile('told'), '{"at":1,"by":"kim"}');
  writeFileSync(site.layout.holdFile('held'), '{"since":1,"until":null,"by":"kim","reason":null}');
  package_('asked');
  await cutOff('asked', 'SIGKILL', ANOTHER_BOOT);
  writeFileSync(site.layout.baselineFile('asked'), JSON.stringify({ at: Date.now() }));
  site.job('asked', { schedule: DAILY_LATER });
  expect(await tick()).toEqual([]);
  expect(site.state('signalled').last).toMatchObject({ outcome: 'interrupted', exit: 143 });
  expect(site.state('told').last).toMatchObject({ outcome: 'stopped' });
  for (const id of ['held', 'asked']) expect(site.state(id).last).toMatchObject({ outcome: 'interrupted' });
});

test('one that somebody asked for meanwhile is started for that, and no more than once', async () => {
  package_('wished');
  await cutOff('wished', 'SIGKILL', ANOTHER_BOOT);
  const request = { at: Date.now(), by: 'kim', allow_deletes: null };
  writeFileSync(site.layout.requestFile('wished'), JSON.stringify(request));
  expect(await tick()).toEqual([]);
  await until(() => site.state('wished').last?.outcome === 'synced', 'wished');
  expect(site.state('wished').last).toMatchObject({ trigger: 'request' });
  expect(runs('wished')).toBe(2);
});

/** Words that run a program on a host that booted ten seconds ago. */
const uptime = Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]));
const [unshare, ...words] = ['unshare', '--time', '--boottime', String(10 - uptime), '--fork'] as const;
const possible = spawnSync(unshare, [...words, 'true']).status === 0;

test.skipIf(!possible)(
  'after a shutdown it waits for its own moment of the half hour after boot',
  async () => {
    package_('centos');
    await cutOff('centos', 'SIGTERM');
    const state = site.state('centos');
    const ended = (state.last?.ended ?? 0) - 60_000;
    writeFileSync(
      site.layout.stateFile('centos'),
      JSON.stringify({ ...state, last: { ...state.last, ended } }),
    );
    const argv = [...words, process.execPath, ENTRY, 'publish', '--root', site.root];
    expect(spawnSync(unshare, argv, { encoding: 'utf8' }).stderr).toContain(
      'centos: its slot or push had come to nothing; started',
    );
    await until(() => site.state('centos').run !== null, 'the run to wait');
    const { phase, until: moment } = site.state('centos').run ?? {};
    expect(phase).toBe('waiting');
    expect(((moment ?? 0) - Date.now()) / 1000).toBeGreaterThan(5);
    // A request wakes it; `stop` cannot tell its pid from here, where boot was at another time.
    expect((await site.run('centos')).code).toBe(75);
    await until(() => site.state('centos').run === null, 'the second run');
    expect(site.state('centos').last).toMatchObject({ outcome: 'synced', trigger: 'request' });
  },
);
