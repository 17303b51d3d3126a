import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENTRY, install, toolGroup, until } from './fixture.js';
import type { Installation, RunResult } from './fixture.js';

let site: Installation;

beforeAll(() => {
  site = install();
});
afterAll(() => site.remove());

const flag = (name: string): string => join(site.root, 'flags', name);

function mirror(...args: string[]): Promise<RunResult> {
  return site.start([...args, '--root', site.root]).ended;
}

describe('start and push', () => {
  test('return at once; the run happens in the background, as a push', async () => {
    site.script('debian', 'echo x >> $F/debian');
    expect(await mirror('push', 'debian')).toMatchObject({
      code: 0,
      stdout: 'debian: requested\n',
      stderr: '',
    });
    await until(() => existsSync(site.layout.stateFile('debian')) && site.state('debian').last !== null);
    expect(site.state('debian').last).toMatchObject({ outcome: 'synced', trigger: 'push' });
    expect(existsSync(site.layout.requestFile('debian'))).toBe(false);
  });

  test('three pushes during a run make exactly one more', async () => {
    site.script('pushed', 'echo x >> $F/pushed; while ! [ -e $F/go ]; do sleep 0.02; done');
    await mirror('start', 'pushed');
    await until(() => existsSync(flag('pushed')));
    for (let i = 0; i < 3; i++) await mirror('push', 'pushed');
    writeFileSync(flag('go'), '');
    await until(() => site.history('pushed').length === 2 && site.state('pushed').run === null);
    expect(readFileSync(flag('pushed'), 'utf8')).toBe('x\nx\n');
  });

  test('with --wait they tell the end, for each package, and exit with the worst', async () => {
    site.script('good', 'sleep 0.2');
    site.script('bad', 'echo no room for this >&2; exit 73');
    const { code, stdout } = await mirror('start', 'good', 'bad', '--wait');
    expect(code).toBe(73);
    expect(stdout).toMatch(/^good: synced \(\d\.\d s\)$/m);
    expect(stdout).toMatch(
      /^bad: failed \(space\): the command cannot create its output \(exit 73\): no room for this/m,
    );
  });

  test('with --wait and --json they print one object, whatever became of each package', async () => {
    site.script('well', 'true');
    site.script('full', 'exit 73');
    site.script('later', 'true');
    await mirror('hold', 'later', '--reason', 'new disk');
    const { code, stdout } = await mirror('push', 'well', 'full', 'later', '--wait', '--json');
    expect(code).toBe(73);
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'mirror/push/1',
      packages: [
        { id: 'well', requested: true, run: { exit: 0, outcome: 'synced', record: { trigger: 'push' } } },
        { id: 'full', requested: true, run: { exit: 73, outcome: 'failed', failure: 'space' } },
        { id: 'later', requested: false, problem: expect.stringMatching(/^held by /) as string },
      ],
    });
  });

  test('leave a held package alone, and know unknown ones', async () => {
    site.script('quiet', 'echo x > $F/quiet');
    await mirror('hold', 'quiet', '--reason', 'new disk');
    expect(await mirror('push', 'quiet')).toMatchObject({ code: 0, stdout: '' });
    expect(existsSync(site.layout.requestFile('quiet'))).toBe(false);
    expect((await mirror('push', 'quite')).code).toBe(66);
  });
});

test('stop ends a run and says so; what does not run, was not running', async () => {
  site.script('long', 'echo x > $F/long; exec sleep 1000');
  const running = site.start(['run', '--root', site.root, 'long']);
  await until(() => existsSync(flag('long')));
  expect(await mirror('stop', 'long')).toMatchObject({ code: 0, stdout: 'long: stopped\n', stderr: '' });
  expect((await running.ended).code).toBe(143);
  const again = await mirror('stop', 'long', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({
    format: 'mirror/stop/1',
    packages: [{ end: 'not-running' }],
  });
  expect(existsSync(site.layout.stopFile('long'))).toBe(false);
});

test.each<[string[], number]>([
  [['run', '--json', 'heard'], 0],
  [['run', 'heard'], 0],
  [['run', '--dry-run', 'heard'], 73],
  [['publish', '--json'], 73],
])('%j with nowhere to print says so in a line', (args, exit) => {
  site.script('heard', 'true');
  const stdout = openSync('/dev/full', 'w');
  const argv = [ENTRY, ...args, '--root', site.root];
  const ran = spawnSync(process.execPath, argv, { stdio: ['ignore', stdout, 'pipe'], encoding: 'utf8' });
  closeSync(stdout);
  expect(ran.stderr).toBe('mirror: stdout: ENOSPC: no space left on device, write\n');
  // A run ends as it went, whoever hears of it.
  expect(ran.status).toBe(exit);
});

test('publish starts what was asked for and never began, and ends what died', async () => {
  site.script('asked', 'echo x > $F/asked');
  writeFileSync(site.layout.requestFile('asked'), JSON.stringify({ at: 1, by: 'ada', allow_deletes: null }));
  site.script('died', 'echo x > $F/died; exec sleep 1000');
  const running = site.start(['run', '--root', site.root, 'died']);
  await until(() => existsSync(flag('died')));
  const group = toolGroup(site.state('died').run) ?? NaN;
  running.child.kill('SIGKILL');
  process.kill(-group, 'SIGKILL');
  await running.ended;
  const { code, stderr } = await mirror('publish');
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'mirror: died: its run left no word of its end\n',
  });
  expect(site.state('died')).toMatchObject({ run: null, last: { outcome: 'interrupted' } });
  await until(() => existsSync(flag('asked')) && site.state('asked').run === null);
});

test.each(['run', 'publish'])('%s names its own help where it is called wrongly', async (command) => {
  const { code, stderr } = await mirror(command, 'one', 'two');
  expect(code).toBe(64);
  expect(stderr).toMatch(new RegExp(`^Try: mirror ${command} --help$`, 'm'));
});

test('publish takes no word of `run`, which asks for something else', async () => {
  for (const word of ['--dry-run', '--here', '--scheduled', '--allow-deletes=5', 'debian']) {
    expect(await mirror('publish', word)).toMatchObject({ code: 64, stdout: '' });
  }
});

test('run after options that come before it is the same run', async () => {
  site.script('late', 'true');
  const { code, stdout } = await site.start(['--root', site.root, 'run', 'late']).ended;
  expect({ code, stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^late: synced/) as string,
  });
});
