import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Step } from '../../src/job/step.js';
import { readJob } from '../../src/run/job-file.js';
import { stopRun } from '../../src/run/stop.js';
import { processStart } from '../../src/system/process.js';
import { tryLock } from '../../src/system/flock.js';
import { install, until } from './fixture.js';
import type { Installation, Running } from './fixture.js';

// What happens to a run while it waits, and to what waits for it.

let site: Installation;

beforeAll(() => void (site = install()));
afterAll(() => site.remove());

const flag = (name: string): string => join(site.root, 'flags', name);
const runs = (id: string): string => readFileSync(flag(id), { encoding: 'utf8', flag: 'a+' });

function start(id: string, ...args: string[]): Running {
  return site.start(['run', '--root', site.root, ...args, id]);
}

function hold(id: string): void {
  const said = { since: 1, until: null, by: 'ada', reason: 'new disk' };
  writeFileSync(site.layout.holdFile(id), JSON.stringify(said));
}

/** A package whose first run lasts until the flag `go-<id>` is raised. */
async function begin(id: string): Promise<Running> {
  site.script(id, 'echo x >> $F/$ID; while ! [ -e $F/go-$ID ]; do sleep 0.02; done');
  const running = start(id);
  await until(() => existsSync(flag(id)), `${id} to run`);
  return running;
}

describe('a request that comes during a run', () => {
  test('is not served by an executor that was told to end, and waits for the tick', async () => {
    const running = await begin('shutdown');
    expect((await start('shutdown').ended).code).toBe(75);
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(143);
    expect(runs('shutdown')).toBe('x\n');
    expect(existsSync(site.layout.requestFile('shutdown'))).toBe(true);
  });

  test('is refused by a hold that comes, too, and does not come alive when the hold ends', async () => {
    const running = await begin('held');
    expect((await start('held').ended).code).toBe(75);
    hold('held');
    writeFileSync(flag('go-held'), '');
    expect((await running.ended).code).toBe(0);
    expect(runs('held')).toBe('x\n');
    expect(existsSync(site.layout.requestFile('held'))).toBe(false);
  });
});

test('an allowance to delete is for the run that it was given to, and for no other', async () => {
  const text = 'echo $1 >> $F/$ID; while ! [ -e $F/go-$ID ]; do sleep 0.02; done';
  for (const id of ['allowed', 'asked']) {
    const { attempts } = site.script(id, text);
    const limited = attempts.map((attempt) => ({
      ...attempt,
      steps: attempt.steps.map((step): Step => {
        if (step.kind !== 'exec') return step;
        return { ...step, argv: [...step.argv, 'sh'], delete_limit: { at: 4, flag: '--max-delete=' } };
      }),
    }));
    site.job(id, { attempts: limited });
  }
  const first = start('allowed', '--allow-deletes', '7');
  const second = start('asked');
  await until(() => runs('allowed') !== '' && runs('asked') !== '', 'both tools');
  expect((await start('allowed').ended).code).toBe(75);
  expect((await start('asked', '--allow-deletes', '7').ended).code).toBe(75);
  for (const id of ['allowed', 'asked']) writeFileSync(flag(`go-${id}`), '');
  await Promise.all([first.ended, second.ended]);
  const usual = '--max-delete=40000\n';
  expect(runs('allowed')).toBe(`--max-delete=7\n${usual}`);
  expect(runs('asked')).toBe(`${usual}--max-delete=7\n`);
});

test('a stop that came too late for one run does not make the next one’s shutdown a stop', async () => {
  site.script('late', 'echo x > $F/$ID; exec sleep 60');
  writeFileSync(site.layout.stopFile('late'), '{"at":1,"by":"kim"}');
  const running = start('late', '--scheduled');
  await until(() => existsSync(flag('late')));
  running.child.kill('SIGTERM');
  await running.ended;
  expect(site.state('late')).toMatchObject({ last_end: null, last: { outcome: 'interrupted' } });
});

test('a run that gets no slot until its next one is due is busy, and as if it had never been', async () => {
  site.script('busy', 'echo x > $F/$ID', {
    limits: { concurrent: 1, per_upstream: 0, load_max: null },
    schedule: { rule: { kind: 'interval', every: 2, phase: 0 }, windows: [], zone: 'UTC' },
  });
  const taken = tryLock(site.layout.slotLock('site', 0));
  expect((await start('busy').ended).code).toBe(75);
  taken?.release();
  expect(site.state('busy')).toMatchObject({ run: null, last: null, errors: 0 });
  expect(runs('busy')).toBe('');
});

describe('what an operator says while a run waits', () => {
  const limited = { limits: { concurrent: 1, per_upstream: 0, load_max: null } };
  const retry = { delay: 2, attempts: 3, max_delay: 2 };

  test('a hold, before a retry: it begins no more, and its slot stays due', async () => {
    site.script('again', 'echo x >> $F/$ID; exit 69', { retry });
    const running = start('again', '--scheduled');
    await until(() => site.state('again').run?.phase === 'retrying', 'the retry');
    const said = await site.start(['hold', 'again', '--root', site.root]).ended;
    expect(said.stdout).toBe('again: held until `mirror unhold`; its run that waits will not begin\n');
    expect((await running.ended).code).toBe(0);
    expect(runs('again')).toBe('x\n');
    expect(site.state('again')).toMatchObject({ run: null, last_end: null, errors: 1 });
    expect(site.history('again')).toHaveLength(1);
  });

  test('a hold, before its turn: it begins no more, and leaves nothing behind', async () => {
    site.script('queued', 'echo x >> $F/$ID', limited);
    const taken = tryLock(site.layout.slotLock('site', 0));
    const running = start('queued');
    await until(() => site.state('queued').run?.phase === 'waiting', 'the wait');
    hold('queued');
    taken?.release();
    expect(await running.ended).toMatchObject({ code: 0, stdout: 'queued: held: held by ada: new disk\n' });
    expect(runs('queued')).toBe('');
    expect(site.state('queued')).toMatchObject({ run: null, last: null });
    const next = tryLock(site.layout.slotLock('site', 0));
    expect(next).not.toBeNull();
    next?.release();
  });

  test('another job, before a retry: that one begins at its time', async () => {
    site.script('mended', 'echo old >> $F/$ID; exit 69', { retry });
    const running = start('mended', '--scheduled');
    await until(() => site.state('mended').run?.phase === 'retrying', 'the retry');
    site.script('mended', 'echo new >> $F/$ID', { retry });
    expect((await running.ended).code).toBe(0);
    expect(runs('mended')).toBe('old\nnew\n');
    expect(site.state('mended')).toMatchObject({ run: null, last: { outcome: 'synced' }, errors: 0 });
  });

  test('another job, during a run that one more follows: that one is it', async () => {
    const running = await begin('followed');
    expect((await start('followed').ended).code).toBe(75);
    site.script('followed', 'echo new >> $F/$ID');
    writeFileSync(flag('go-followed'), '');
    expect((await running.ended).code).toBe(0);
    expect(runs('followed')).toBe('x\nnew\n');
  });

  test('another job that needs a password: a new process begins it, which alone may read that', async () => {
    site.script('secret', 'echo old >> $F/$ID; exit 69', { retry });
    const running = start('secret', '--scheduled');
    await until(() => site.state('secret').run?.phase === 'retrying', 'the retry');
    site.script('secret', 'echo new >> $F/$ID', { secrets: { password: join(site.root, 'password') } });
    expect((await running.ended).code).toBe(0);
    expect(runs('secret')).toBe('old\n');
    expect(existsSync(site.layout.requestFile('secret'))).toBe(true);
  });

  test('no job at all, before a retry: nothing begins any more', async () => {
    site.script('gone', 'echo x >> $F/$ID; exit 69', { retry });
    const running = start('gone', '--scheduled');
    await until(() => site.state('gone').run?.phase === 'retrying', 'the retry');
    rmSync(site.layout.job('gone'));
    expect((await running.ended).code).toBe(0);
    expect(runs('gone')).toBe('x\n');
    expect(site.state('gone').run).toBeNull();
    expect(existsSync(site.layout.requestFile('gone'))).toBe(false);
  });
});

describe('what a tool leaves in the background', () => {
  const child = (id: string): number => Number(runs(id).trim().split('\n').at(-1));

  test('ends with it, as it would with its unit', async () => {
    site.script('littering', 'sleep 1000 & echo $! >> $F/$ID');
    expect((await start('littering').ended).code).toBe(0);
    expect(processStart(child('littering'))).toBeNull();
    expect((await start('littering').ended).code).toBe(0);
  });

  test('ends when the package is wanted again, where it took a session of its own', async () => {
    const own = 'setsid sh -c "echo \\$\\$ >> $F/$ID; touch $F/up; exec sleep 1000"';
    site.script('daemonic', `rm -f $F/up; ${own} & until [ -e $F/up ]; do sleep 0.02; done`);
    expect((await start('daemonic').ended).code).toBe(0);
    const first = child('daemonic');
    expect(processStart(first)).not.toBeNull();
    expect((await start('daemonic').ended).code).toBe(0);
    expect(processStart(first)).toBeNull();
    // The second run left another.
    const job = readJob(site.layout, 'daemonic');
    expect(await stopRun(site.layout, job, 'ada')).toBe('stopped');
    expect(processStart(child('daemonic'))).toBeNull();
    expect(await stopRun(site.layout, job, 'ada')).toBe('not-running');
  });
});

test('a run that sleeps before a retry holds no slot, and an end meanwhile is an interruption', async () => {
  site.script('asleep', 'exit 69', {
    limits: { concurrent: 1, per_upstream: 0, load_max: null },
    retry: { delay: 600, attempts: 3, max_delay: 600 },
  });
  const running = start('asleep', '--scheduled');
  await until(() => site.state('asleep').run?.phase === 'retrying', 'the retry');
  const slot = tryLock(site.layout.slotLock('site', 0));
  expect(slot).not.toBeNull();
  slot?.release();
  running.child.kill('SIGTERM');
  expect((await running.ended).code).toBe(143);
  expect(site.state('asleep')).toMatchObject({ run: null, last: { outcome: 'interrupted' } });
});

describe('time limits', () => {
  test('of a package that has synced are max_runtime, not those of a first sync', async () => {
    site.script('synced', 'exec sleep 60', { max_runtime: 1, first_sync: { max_runtime: 1000 } });
    writeFileSync(
      site.layout.stateFile('synced'),
      JSON.stringify({ ...site.state('synced'), last_success: 1 }),
    );
    expect((await start('synced').ended).code).toBe(124);
  });

  test('do not count what a run waited: its tool goes on while its executor lives', async () => {
    const running = await begin('waited');
    const state = site.state('waited');
    const old = { ...state, run: { ...state.run, started: Date.now() - 1e9 } };
    writeFileSync(site.layout.stateFile('waited'), JSON.stringify(old));
    expect((await start('waited', '--scheduled').ended).code).toBe(75);
    writeFileSync(flag('go-waited'), '');
    expect((await running.ended).code).toBe(0);
    expect(site.state('waited').last).toMatchObject({ outcome: 'synced' });
  });

  test('hold for a dead executor’s tool as well: max_runtime where the package has synced', async () => {
    const limits = { max_runtime: 1, first_sync: { max_runtime: 1000 } };
    site.script('left', 'echo $$ > $F/$ID; exec sleep 60', limits);
    writeFileSync(site.layout.stateFile('left'), JSON.stringify({ ...site.state('left'), last_success: 1 }));
    const running = start('left');
    await until(() => runs('left').endsWith('\n'), 'the tool');
    running.child.kill('SIGKILL');
    await running.ended;
    const state = site.state('left');
    const old = { ...state, run: { ...state.run, started: Date.now() - 5000 } };
    writeFileSync(site.layout.stateFile('left'), JSON.stringify(old));
    const tool = Number(runs('left'));
    site.script('left', 'true', limits);
    expect((await start('left', '--scheduled').ended).code).toBe(0);
    expect(processStart(tool)).toBeNull();
  });

  test('end what ignores SIGTERM, too: by its executor, and by a stop where that is dead', async () => {
    // Longer than this test may take.
    const deaf = `trap '' TERM; echo $$ > $F/$ID; exec sleep 100`;
    site.script('deaf', deaf, { first_sync: { max_runtime: 1 } });
    const limited = start('deaf');
    const job = site.script('deaf-orphan', deaf);
    const killed = start('deaf-orphan');
    await until(() => runs('deaf-orphan').endsWith('\n') && runs('deaf').endsWith('\n'), 'both tools');
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(await stopRun(site.layout, job, 'ada')).toBe('stopped');
    expect(processStart(Number(runs('deaf-orphan')))).toBeNull();
    expect((await limited.ended).code).toBe(124);
    expect(processStart(Number(runs('deaf')))).toBeNull();
  });
});
