import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processStart } from '../../src/system/process.js';
import { install, toolGroup, until } from './fixture.js';
import type { Installation } from './fixture.js';

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
