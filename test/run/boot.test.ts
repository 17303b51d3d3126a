import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENTRY, install, until } from './fixture.js';
import type { Installation } from './fixture.js';

let site: Installation;

beforeAll(() => void (site = install()));
afterAll(() => site.remove());

/** Words that run a program on a host that booted ten seconds ago: a time namespace shifts /proc/uptime. */
function justBooted(): string[] {
  const uptime = Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]));
  return ['unshare', '--time', '--boottime', String(10 - uptime), '--fork'];
}

const [program = '', ...words] = justBooted();
const possible = spawnSync(program, [...words, 'true']).status === 0;

test.skipIf(!possible)(
  'a slot missed while the host was down waits its turn after boot, and a request wakes it',
  async () => {
    site.job('debian');
    const argv = [...words, process.execPath, ENTRY, 'run', '--scheduled', '--root', site.root, 'debian'];
    const child = spawn(program, argv, { stdio: 'ignore' });
    const ended = new Promise((done) => child.once('exit', done));
    await until(() => site.state('debian').run !== null, 'the run to wait');
    const { phase, until: moment } = site.state('debian').run ?? {};
    expect(phase).toBe('waiting');
    const wait = ((moment ?? 0) - Date.now()) / 1000;
    expect(wait).toBeGreaterThan(5);
    expect(wait).toBeLessThan(30 * 60);
    expect((await site.run('debian')).code).toBe(75);
    expect(await ended).toBe(0);
    expect(site.state('debian').last).toMatchObject({ outcome: 'synced', trigger: 'request' });
  },
);
