import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ENTRY, until } from '../run/fixture.js';
import { settingsBelow, siteConfig } from '../support/site-config.js';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'mirror-stop-')));
  for (const name of ['srv', 'www', 'etc/mirror']) mkdirSync(join(root, name), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function mirror(command: string, ...rest: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ENTRY, '--root', root, command, ...rest], {
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

/** A site on cron of packages that sync until they are ended. */
function configure(...ids: string[]): void {
  const packages = ids.map((id) => [
    id,
    {
      name: id,
      synctype: 'command',
      syncrate: 'PT6H',
      guard: { min_free: '0%' },
      settings: { src: '', dst: `${root}/srv/${id}`, options: { command: ['/bin/sleep', '1000'] } },
    },
  ]);
  const settings = { ...settingsBelow(root), scheduler: 'crontab', executable: ENTRY };
  writeFileSync(
    join(root, 'etc/mirror/config.json'),
    JSON.stringify(siteConfig(Object.fromEntries(packages) as object, settings)),
  );
}

test('apply --stop-removed ends the running sync of a package that goes away', async () => {
  configure('debian', 'CTAN');
  expect(mirror('apply')).toMatchObject({ code: 0 });
  const run = spawn(process.execPath, [ENTRY, 'run', '--root', root, 'debian'], { stdio: 'ignore' });
  const ended = new Promise<number | null>((done) => run.once('exit', done));
  try {
    await until(() => mirror('status', 'debian', '--json').stdout.includes('"phase": "running"'), 'it runs');
    configure('CTAN');
    const applied = mirror('apply', '--stop-removed');
    expect(applied).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('may still be running') as string,
    });
    expect(await ended).toBe(143);
    expect(existsSync(join(root, 'etc/mirror/compiled/jobs/debian.json'))).toBe(false);
  } finally {
    run.kill('SIGTERM');
    await ended;
  }
});

test('every command that takes packages takes them after --, too, and no other word', () => {
  configure('debian', 'CTAN');
  mirror('apply');
  const rows = (...args: string[]): string[] => {
    const { packages } = JSON.parse(mirror('status', '--json', ...args).stdout) as {
      packages: { id: string }[];
    };
    return packages.map(({ id }) => id);
  };
  expect(rows('--', 'CTAN')).toEqual(['CTAN']);
  expect(rows('debian', '--', 'CTAN')).toEqual(['debian', 'CTAN']);
  expect(mirror('stop', '--', 'debian')).toMatchObject({ code: 0, stdout: 'debian: was not running\n' });
  expect(mirror('hold', '--reason', 'new disk', '--', 'debian').stdout).toMatch(/^debian: held/);
  expect(mirror('unhold', '--', 'debian')).toMatchObject({ code: 0, stdout: 'debian: released\n' });
  expect(mirror('history', '--json', '--', 'debian').stdout).toContain('"runs": []');
  expect(mirror('explain', '--', 'debian')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('debian') as string,
  });
  expect(mirror('logs', '--', 'debian')).toMatchObject({
    code: 66,
    stderr: expect.stringContaining('log') as string,
  });
  expect(mirror('run', '--dry-run', '--', 'debian')).toMatchObject({ code: 0 });

  expect(mirror('status', '--', 'no')).toMatchObject({ code: 66 });
  expect(mirror('status', '--', '--json')).toMatchObject({ code: 66, stdout: '' });
  // An option does not take a package for its value.
  expect(mirror('hold', '--reason', '--', 'debian')).toMatchObject({ code: 64, stdout: '' });
});

test('an unknown command is said as such, with the one that was probably meant', () => {
  expect(mirror('statuss')).toMatchObject({
    code: 64,
    stderr: 'mirror: unknown command `statuss`; did you mean `status`?\nTry: mirror --help\n',
  });
  expect(mirror('frobnicate').stderr).toMatch(/^mirror: unknown command `frobnicate`\n/);
});
