import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeState } from '../../src/state/store.js';
import { processStart } from '../../src/system/process.js';
import { ENTRY, install, toolGroup, until } from './fixture.js';
import type { Installation, RunResult } from './fixture.js';

// An executor that hangs in a read or write handles neither timers nor signals. SIGSTOP is as deaf, and needs no disk.

let site: Installation;
beforeAll(() => {
  site = install();
});
afterAll(() => site.remove());

/** Watchdogs of an executor. */
const watchdogs = (executor = 0): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter(
      (pid) => pid > 0 && /\0mirror-watchdog\0\d+\0(\d+)\0$/.exec(commandOf(pid))?.[1] === String(executor),
    );

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

describe('a hanging executor', () => {
  test('is ended with its tool when its time is over, and the next look says timed-out', async () => {
    const limits = { max_runtime: 3, first_sync: { max_runtime: 3 } };
    site.script('hung', 'touch $F/hung; exec sleep 1000', limits);
    const { child, ended } = site.start(['run', '--root', site.root, 'hung']);
    await until(() => existsSync(join(site.root, 'flags/hung')));
    const { run } = site.state('hung');
    const tool = toolGroup(run) ?? 0;
    await until(() => watchdogs(child.pid).length > 0, 'a watchdog');
    child.kill('SIGSTOP');
    expect((await ended).signal).toBe('SIGKILL');
    await until(() => processStart(tool) === null, 'the end of its tool');
    expect((await site.start(['publish', '--root', site.root]).ended).code).toBe(0);
    expect(site.state('hung')).toMatchObject({
      run: null,
      last: { outcome: 'timed-out', reason: 'the executor hung beyond its time limit; ended by SIGKILL' },
      errors: 1,
    });
  }, 90_000);

  test('leaves nothing behind when it ends by itself, or by SIGKILL', async () => {
    site.script('short', 'sleep 3');
    const { child, ended } = site.start(['run', '--root', site.root, 'short']);
    await until(() => watchdogs(child.pid).length > 0, 'a watchdog');
    expect((await ended).code).toBe(0);
    expect(watchdogs(child.pid)).toEqual([]);
    site.script('killed', 'exec sleep 1000');
    const killed = site.start(['run', '--root', site.root, 'killed']);
    await until(() => watchdogs(killed.child.pid).length > 0, 'a watchdog');
    const tool = toolGroup(site.state('killed').run) ?? 0;
    killed.child.kill('SIGKILL');
    await until(() => watchdogs(killed.child.pid).length === 0, 'the end of the watchdog');
    // It is not the watchdog's to end what may still do good; the next run takes over.
    expect(processStart(tool)).not.toBeNull();
    process.kill(-tool, 'SIGKILL');
  }, 30_000);
});

describe('what hangs while nothing watches it', () => {
  /** A run whose executor no longer obeys; what its state says of its limit is moved to the past. */
  async function hang(
    id: string,
    overdue_at: number | null,
  ): Promise<{ tool: number; ended: Promise<RunResult> }> {
    site.script(id, `touch $F/${id}; exec sleep 1000`, {
      max_runtime: 900,
      first_sync: { max_runtime: 900 },
    });
    const { child, ended } = site.start(['run', '--root', site.root, id]);
    await until(() => existsSync(join(site.root, 'flags', id)));
    const { run } = site.state(id);
    const tool = toolGroup(run) ?? 0;
    child.kill('SIGSTOP');
    if (run !== null) writeState(site.layout, { ...site.state(id), run: { ...run, overdue_at } });
    return { tool, ended };
  }

  test('is ended by the tick', async () => {
    const { tool, ended } = await hang('ticked', Date.now() - 1);
    const { code, stderr } = await site.start(['publish', '--root', site.root]).ended;
    expect(code).toBe(0);
    expect(stderr).toContain('mirror: ticked: its run left no word of its end\n');
    expect((await ended).signal).toBe('SIGKILL');
    expect(processStart(tool)).toBeNull();
    expect(site.state('ticked')).toMatchObject({ run: null, last: { outcome: 'timed-out' } });
  }, 30_000);

  test('is left alone by the tick while it may still have time', async () => {
    const { tool, ended } = await hang('early', Date.now() + 900_000);
    await site.start(['publish', '--root', site.root]).ended;
    expect(processStart(tool)).not.toBeNull();
    process.kill(site.state('early').run?.pid ?? 0, 'SIGKILL');
    process.kill(-tool, 'SIGKILL');
    await ended;
  }, 30_000);

  test('is ended by `mirror stop` when its patience is over', async () => {
    const { tool, ended } = await hang('stopped', null);
    expect(await site.start(['stop', '--root', site.root, 'stopped']).ended).toMatchObject({
      code: 0,
      stdout: 'stopped: stopped\n',
    });
    expect((await ended).signal).toBe('SIGKILL');
    expect(processStart(tool)).toBeNull();
    expect(site.state('stopped')).toMatchObject({ run: null, last: { outcome: 'stopped' } });
  }, 90_000);
});

test('a run does not wait for the reader of what it prints', async () => {
  const piped = site.script('piped', 'echo x > $F/piped');
  site.job('piped', { ...piped, log: { ...piped.log, console_level: 'DEBUG' } });
  // A pipe takes 64 KiB before its writer waits.
  const command = `{ head -c 65536 /dev/zero; "$0" "$1" run --root "$2" piped 2>&1; echo $? > "$2/flags/over"; } | sleep 30`;
  const words = ['-c', command, process.execPath, ENTRY, site.root];
  const shell = spawn('sh', words, { detached: true, stdio: ['ignore', 'ignore', 'ignore'] });
  try {
    await until(() => existsSync(join(site.root, 'flags/over')), 'the end of the run');
    expect(site.state('piped').last).toMatchObject({ outcome: 'synced' });
  } finally {
    process.kill(-(shell.pid ?? 0), 'SIGKILL');
  }
});
