import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ENTRY, install } from './fixture.js';

const possible = spawnSync('strace', ['-qq', 'true'], { stdio: 'ignore' }).status === 0;

test.skipIf(!possible)(
  'a state is on the disk before it takes its name, and its name before the run goes on',
  () => {
    const site = install();
    site.script('debian', 'true');
    const trace = join(site.root, 'trace');
    const argv = ['-f', '-qq', '-y', '-e', 'trace=fsync,rename,renameat,renameat2', '-o', trace];
    const run = [process.execPath, ENTRY, 'run', '--root', site.root, 'debian'];
    expect(spawnSync('strace', [...argv, ...run], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    const calls = readFileSync(trace, 'utf8').split('\n');
    const state = site.layout.stateFile('debian');
    const renames = calls.flatMap((call, at) => {
      const [from, to] = [...call.matchAll(/"([^"]*)"/g)].map(([, path]) => path ?? '');
      return from !== undefined && to === state ? [{ from, at }] : [];
    });
    // One when it begins and one when it ends.
    expect(renames.length).toBeGreaterThanOrEqual(2);
    const isSync = (call: string | undefined, path: string): boolean =>
      call?.includes('fsync(') === true && call.includes(`<${path}>`);
    for (const { from, at } of renames) {
      expect(
        calls.slice(0, at).some((call) => isSync(call, from)),
        `${from} before`,
      ).toBe(true);
      expect(isSync(calls[at + 1], dirname(state)), calls[at + 1]).toBe(true);
    }
    site.remove();
  },
);
