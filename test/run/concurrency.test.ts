import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { stopRun } from '../../src/run/stop.js';
import { processStart } from '../../src/system/process.js';
import { tryLock } from '../../src/system/flock.js';
import { install, toolGroup, until } from './fixture.js';
import type { Installation } from './fixture.js';

let site: Installation;

beforeAll(() => void (site = install()));
afterAll(() => site.remove());

const flag = (name: string): string => join(site.root, 'flags', name);
const raise = (name: string): void => writeFileSync(flag(name), '');
const wait = (name: string): string => `while ! [ -e $F/${name} ]; do sleep 0.02; done`;
const start = (id: string, ...args: string[]): ReturnType<Installation['start']> =>
  site.start(['run', '--root', site.root, ...args, id]);

function alive(pid: number): boolean {
  return processStart(pid) !== null;
}

describe('one run at a time', () => {
  test('three starts at once never run at once', async () => {
    site.script('thrice', 'mkdir $F/in || echo x > $F/both; sleep 0.3; rmdir $F/in');
    const ends = await Promise.all(['thrice', 'thrice', 'thrice'].map((id) => start(id).ended));
    // One that starts late may find the lock free again.
    expect(new Set(ends.map(({ code }) => code).filter((code) => code !== 75))).toEqual(new Set([0]));
    expect(existsSync(flag('both'))).toBe(false);
  });

  test('starts during a run are busy, and make exactly one more run together', async () => {
    site.script('twice', `echo x >> $F/twice; ${wait('go-twice')}`);
    const first = start('twice');
    await until(() => existsSync(flag('twice')));
    const others = await Promise.all([start('twice').ended, start('twice').ended]);
    for (const other of others) {
      expect(other).toMatchObject({
        code: 75,
        stdout: 'twice: busy: already running; one more run will follow it\n',
      });
    }
    raise('go-twice');
    expect((await first.ended).code).toBe(0);
    expect(readFileSync(flag('twice'), 'utf8')).toBe('x\nx\n');
    expect(site.history('twice').map(({ outcome }) => outcome)).toEqual(['synced', 'synced']);
    expect(existsSync(site.layout.requestFile('twice'))).toBe(false);
  });

  test('a scheduled start during a run is busy, asks for nothing and writes nothing', async () => {
    site.script('once', `echo x >> $F/once; ${wait('go-once')}`);
    const running = start('once');
    await until(() => existsSync(flag('once')));
    const before = readFileSync(site.layout.stateFile('once'), 'utf8');
    expect((await site.run('once', '--scheduled')).code).toBe(75);
    expect(readFileSync(site.layout.stateFile('once'), 'utf8')).toBe(before);
    expect(existsSync(site.layout.requestFile('once'))).toBe(false);
    raise('go-once');
    await running.ended;
    expect(readFileSync(flag('once'), 'utf8')).toBe('x\n');
  });
});

test('a pass that takes its time is published as SYNC, with its log', async () => {
  site.script('slow', wait('go-slow'));
  const running = start('slow');
  const published = (): { slow?: { status: string } } =>
    JSON.parse(readFileSync(join(site.root, 'www/status.json'), 'utf8')) as { slow?: { status: string } };
  await until(() => existsSync(join(site.root, 'www/status.json')) && published().slow?.status === 'SYNC');
  expect(existsSync(site.state('slow').run?.log ?? '')).toBe(true);
  raise('go-slow');
  await running.ended;
  expect(published().slow?.status).toBe('ACTIVE');
});

test('a run is on record, with its log, before its tool starts', async () => {
  site.script('recorded', `cp ${site.layout.stateFile('recorded')} $F/recorded`);
  expect((await site.run('recorded')).code).toBe(0);
  expect(JSON.parse(readFileSync(flag('recorded'), 'utf8'))).toMatchObject({
    run: { phase: 'running', log: site.state('recorded').last?.log },
  });
});

describe('a run whose executor was killed', () => {
  test('lives on in its tool: busy, until the tool ends; then the loss is recorded', async () => {
    site.script('orphan', `echo $$ > $F/orphan; ${wait('go-orphan')}`);
    const running = start('orphan');
    await until(() => existsSync(flag('orphan')));
    running.child.kill('SIGKILL');
    await running.ended;
    expect((await site.run('orphan', '--scheduled')).code).toBe(75);
    raise('go-orphan');
    await until(() => {
      const lock = tryLock(site.layout.runLock('orphan'));
      lock?.release();
      return lock !== null;
    });
    expect((await site.run('orphan', '--scheduled')).code).toBe(0);
    expect(site.history('orphan').map(({ outcome }) => outcome)).toEqual(['interrupted', 'synced']);
  });

  test('is ended and taken over by a due run once it is older than max_runtime', async () => {
    // It ignores SIGTERM in a child of its own group leader; SIGKILL would come after ten seconds.
    site.script('stuck', `echo $$ > $F/stuck; ${wait('go-stuck')}; exec sleep 1000`, {
      max_runtime: 1,
      first_sync: { max_runtime: 1 },
    });
    const running = start('stuck');
    await until(() => existsSync(flag('stuck')));
    running.child.kill('SIGKILL');
    await running.ended;
    const tool = Number(readFileSync(flag('stuck'), 'utf8'));
    expect((await site.run('stuck', '--scheduled')).code).toBe(75);
    expect(alive(tool)).toBe(true);
    await new Promise((next) => setTimeout(next, 1100));
    site.script('stuck', 'true', { max_runtime: 1, first_sync: { max_runtime: 1 } });
    expect((await site.run('stuck', '--scheduled')).code).toBe(0);
    expect(alive(tool)).toBe(false);
    expect(site.history('stuck').map(({ outcome }) => outcome)).toEqual(['interrupted', 'synced']);
  });
});

describe('an end from outside', () => {
  test('SIGTERM reaches the whole group of the tool, is an interruption, and leaves the slot due', async () => {
    site.script('term', `sleep 1000 & echo $! > $F/term; wait`);
    const running = start('term', '--scheduled');
    await until(() => existsSync(flag('term')));
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(143);
    expect(alive(Number(readFileSync(flag('term'), 'utf8')))).toBe(false);
    expect(site.state('term')).toMatchObject({ run: null, errors: 0, last_end: null });
    expect(site.state('term').last).toMatchObject({ outcome: 'interrupted', exit: 143 });
    site.script('term', 'true');
    await site.run('term', '--scheduled');
    expect(site.state('term').last).toMatchObject({ outcome: 'synced', trigger: 'schedule' });
  });

  test('a signal exits with its own number, and a second one, whichever, kills at once', async () => {
    site.script('deaf', `trap 'echo > $F/told' TERM; echo > $F/deaf; while :; do sleep 0.1; done`);
    // For this executor the grace period between SIGTERM and SIGKILL never ends.
    const clock = join(site.root, 'clock.cjs');
    const patient = 'f, ms, ...more) => later(f, ms < 5000 ? ms : 2 ** 31 - 1, ...more)';
    writeFileSync(clock, `const later = setTimeout; globalThis.setTimeout = (${patient};\n`);
    const running = site.start(['run', '--root', site.root, 'deaf'], { NODE_OPTIONS: `--require=${clock}` });
    await until(() => existsSync(flag('deaf')));
    const group = toolGroup(site.state('deaf').run) ?? 0;
    onTestFailed(() => {
      running.child.kill('SIGKILL');
      process.kill(-group, 'SIGKILL');
    });
    running.child.kill('SIGINT');
    await until(() => existsSync(flag('told')));
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(130);
  });

  test('mirror stop is told from a shutdown: stopped, not retried, its slot served, its request gone', async () => {
    const retry = { delay: 1, attempts: 5, max_delay: 1 };
    const job = site.script('stopped', 'echo > $F/stopped; exec sleep 1000', { retry });
    const running = start('stopped', '--scheduled');
    await until(() => existsSync(flag('stopped')));
    await site.run('stopped');
    expect(await stopRun(site.layout, job, 'ada')).toBe('stopped');
    expect((await running.ended).code).toBe(143);
    const { last, last_end, errors } = site.state('stopped');
    expect(last).toMatchObject({ outcome: 'stopped', reason: 'stopped by ada while sh ran' });
    expect({ errors, last_end }).toEqual({ errors: 0, last_end: last?.ended });
    expect(existsSync(site.layout.stopFile('stopped'))).toBe(false);
    expect(existsSync(site.layout.requestFile('stopped'))).toBe(false);
    expect(await stopRun(site.layout, job, 'ada')).toBe('not-running');
  });

  test('mirror stop is what all hear who wait: for the run, and for the one that was to follow it', async () => {
    const job = site.script('awaited', 'echo > $F/awaited; exec sleep 1000');
    const ask = (): ReturnType<typeof start> => site.start(['start', '--wait', '--root', site.root, job.id]);
    const first = ask();
    await until(() => existsSync(flag('awaited')));
    const second = ask();
    await until(() => existsSync(site.layout.requestFile('awaited')));
    expect(await stopRun(site.layout, job, 'ada')).toBe('stopped');
    for (const { code, stdout } of [await first.ended, await second.ended]) {
      expect(stdout).toContain('awaited: stopped: stopped by ada while sh ran');
      expect(code).toBe(143);
    }
    expect(site.history('awaited')).toHaveLength(1);
  });

  test('mirror stop ends what a dead executor left behind', async () => {
    const job = site.script('left', 'echo $$ > $F/left; exec sleep 1000');
    const running = start('left');
    await until(() => existsSync(flag('left')));
    running.child.kill('SIGKILL');
    await running.ended;
    expect(await stopRun(site.layout, job, 'ada')).toBe('stopped');
    expect(alive(Number(readFileSync(flag('left'), 'utf8')))).toBe(false);
    expect(site.state('left')).toMatchObject({ run: null, last: { outcome: 'stopped' } });
  });

  test('max_runtime ends a tool, and first_sync has its own', async () => {
    const limits = { max_runtime: 60, first_sync: { max_runtime: 1 } };
    site.script('long', 'sleep 1000', limits);
    expect((await site.run('long')).code).toBe(124);
    expect(site.state('long').last).toMatchObject({ outcome: 'timed-out' });
  });
});

describe('limits', () => {
  test('30 packages due at once never exceed them, and all run', async () => {
    const limits = { concurrent: 3, per_upstream: 2, load_max: null };
    const ids = Array.from({ length: 30 }, (_, i) => `due${i}`);
    const text = `mkdir $F/in-$HOST-$ID; ls -d $F/in-* | wc -l >> $F/all; ls -d $F/in-$HOST-* | wc -l >> $F/$HOST; sleep 0.25; rmdir $F/in-$HOST-$ID`;
    ids.forEach((id, i) => {
      const host = `host${i % 3}`;
      site.script(id, text, { limits, env: { HOST: host } }, host);
    });
    const ends = await Promise.all(ids.map((id) => start(id, '--scheduled').ended));
    expect(ends.map(({ code, stderr }) => `${String(code)}${stderr}`)).toEqual(ids.map(() => '0'));
    const most = (name: string): number =>
      Math.max(...readFileSync(flag(name), 'utf8').split('\n').map(Number));
    expect(most('all')).toBeLessThanOrEqual(3);
    expect(most('all')).toBeGreaterThan(1);
    for (const host of ['host0', 'host1', 'host2']) expect(most(host)).toBeLessThanOrEqual(2);
    expect(readdirSync(join(site.layout.state, 'waiting'))).toEqual([]);
  });

  test('the oldest success goes first', async () => {
    const limits = { concurrent: 1, per_upstream: 0, load_max: null };
    const successes = { recent: 3000, never: null, old: 1000, middle: 2000 };
    site.script('first', `echo > $F/first; ${wait('go-first')}`, { limits });
    const first = start('first');
    await until(() => existsSync(flag('first')));
    const runs = [];
    for (const [id, last_success] of Object.entries(successes)) {
      site.script(id, 'echo $ID >> $F/order', { limits });
      writeFileSync(site.layout.stateFile(id), JSON.stringify({ ...site.state(id), last_success }));
      runs.push(start(id));
      await until(() => existsSync(site.layout.waitingFile(id)));
    }
    expect(site.state('old').run).toMatchObject({ phase: 'waiting' });
    raise('go-first');
    await Promise.all([first, ...runs].map(({ ended }) => ended));
    expect(readFileSync(flag('order'), 'utf8').trim().split('\n')).toEqual([
      'never',
      'old',
      'middle',
      'recent',
    ]);
  });

  test('an orphaned tool keeps its slot', async () => {
    const limits = { concurrent: 1, per_upstream: 0, load_max: null };
    site.script('keeper', `echo $$ > $F/keeper; ${wait('go-keeper')}`, { limits });
    const running = start('keeper');
    await until(() => existsSync(flag('keeper')));
    running.child.kill('SIGKILL');
    site.script('waiter', 'echo > $F/waiter', { limits });
    const waiter = start('waiter');
    await until(() => existsSync(site.layout.waitingFile('waiter')));
    await new Promise((next) => setTimeout(next, 500));
    expect(existsSync(flag('waiter'))).toBe(false);
    raise('go-keeper');
    expect((await waiter.ended).code).toBe(0);
  });

  test('a run that is stopped while it waits leaves no trace of waiting', async () => {
    const limits = { concurrent: 1, per_upstream: 0, load_max: null };
    site.script('holder', `echo > $F/holder; ${wait('go-holder')}`, { limits });
    const holder = start('holder');
    await until(() => existsSync(flag('holder')));
    const job = site.script('patient', 'true', { limits });
    const waiter = start('patient');
    await until(() => site.state('patient').run?.phase === 'waiting');
    expect(await stopRun(site.layout, job, 'ada')).toBe('stopped');
    expect((await waiter.ended).code).toBe(143);
    expect(site.state('patient')).toMatchObject({ run: null, last: { outcome: 'stopped', log: null } });
    expect(existsSync(site.layout.waitingFile('patient'))).toBe(false);
    raise('go-holder');
    await holder.ended;
  });
});
