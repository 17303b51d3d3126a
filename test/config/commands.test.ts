import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rsyncPackage, siteWith } from './read.js';

const program = fileURLToPath(new URL('../../dist/mirror.cjs', import.meta.url));

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mirror-validate-'));
  cpSync(fileURLToPath(new URL('fixtures/example', import.meta.url)), join(directory, 'example'), {
    recursive: true,
  });
});
afterAll(() => rmSync(directory, { recursive: true }));

function mirror(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, ...args], {
    cwd: directory,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, TZ: 'America/New_York' },
  });
}

function config(name: string, text: string): string {
  writeFileSync(join(directory, name), text);
  return name;
}

describe('mirror validate', () => {
  test('a good config: warnings on stdout, exit 0', () => {
    const { status, stdout, stderr } = mirror('validate', '-c', 'example/config.json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('warning[fast-retry]');
    expect(stdout).toMatch(/config\.json is valid: 0 errors, 2 warnings, 4 packages\n$/);

    expect(stdout).not.toMatch(/\u001b/);
  });

  test('--strict makes warnings fail', () => {
    const { status, stdout } = mirror('validate', '--strict', '-c', 'example/config.json');
    expect(status).toBe(78);
    expect(stdout).toMatch(/is not valid: 0 errors, 2 warnings/);
    const clean = config('clean.json', siteWith(rsyncPackage('debian')));
    expect(mirror('validate', '--strict', '-c', clean).status).toBe(0);
  });

  test('a bad config: exit 78, and one JSON object with everything', () => {
    const name = config(
      'bad.json',
      siteWith(rsyncPackage('debian', { syncrat: 'PT1H' }), { localtimezone: 'Mars' }),
    );
    expect(mirror('validate', '-c', name).status).toBe(78);
    const { status, stdout, stderr } = mirror('validate', '--json', '-c', name);
    expect({ status, stderr }).toEqual({ status: 78, stderr: '' });
    const report = JSON.parse(stdout) as { diagnostics: { code: string }[] };
    expect(report).toMatchObject({ format: 'mirror/validate/1', valid: false, packages: null });
    expect(report.diagnostics.map(({ code }) => code)).toEqual(['unknown-time-zone', 'unknown-key']);
  });

  test('what only the scheduler can see is found too', () => {
    const name = config(
      'scheduler.json',
      siteWith(rsyncPackage('debian', { sandbox: 'off' }), { executable: '/opt/mi"rror' }),
    );
    const { status, stdout } = mirror('validate', '--json', '-c', name);
    expect(status).toBe(78);
    const report = JSON.parse(stdout) as { diagnostics: { code: string }[] };
    expect(report.diagnostics.map(({ code }) => code).sort()).toEqual(['bad-executable', 'sandbox-off']);
  });

  test.each([
    ['a missing file', 'none.json', 'no such file'],
    ['a directory', 'example', 'is a directory'],
  ])('%s: exit 66, in every view', (_, name, reason) => {
    const human = mirror('validate', '-c', name);
    expect(human.status).toBe(66);
    expect(human.stdout).toContain(`error[unreadable]: ${reason}`);
    const json = mirror('validate', '--json', '-c', name);
    expect(json.status).toBe(66);
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: false,
      diagnostics: [{ code: 'unreadable', message: reason }],
    });
  });

  test('--github annotates lines of the checkout', () => {
    mkdirSync(join(directory, 'sub'), { recursive: true });
    const name = config('sub/bad.json', siteWith(rsyncPackage('debian', { syncrat: 'PT1H' })));
    const { status, stdout } = mirror('validate', '--github', '-c', name);
    expect(status).toBe(78);
    expect(stdout).toBe(
      '::error file=sub/bad.json,line=15,col=7,endColumn=16,title=unknown-key::unknown key `syncrat`%0Ahelp: did you mean `syncrate`?\n',
    );
    expect(mirror('validate', '--github', '--json', '-c', name).status).toBe(64);
  });
});

describe('mirror explain', () => {
  const at = ['--at', '2026-11-30T18:00', '-c', 'example/config.json'];

  test('the next five runs, exact argv, and the origin of each value', () => {
    const { status, stdout } = mirror('explain', 'ArchLinux', ...at);
    expect(status).toBe(0);
    expect(stdout.match(/^ {2}2026-11-30 \d\d:\d\d:00 Asia\/Seoul, in .*$/gm)).toHaveLength(5);
    expect(stdout).toContain('rsync --max-delete=<limit> ');
    expect(stdout).toContain(
      "--bwlimit=50m --stats --no-human-readable '--out-format=%i %n' rsync://upstream.example.org/archlinux/ /srv/ftp/ArchLinux/\n",
    );
    expect(stdout).toContain(
      "<limit> is the least of 20000, 10 % of dst's files but not less than 1000, and half of them",
    );
    expect(stdout).toMatch(/^guard\.deletes +20000 +packages\.ArchLinux \(config\.json:22\)$/m);
    expect(stdout).toMatch(/^retry\.delay +PT1M +settings\.errorcontinuetime \(config\.json:11\)$/m);
    expect(stdout).toMatch(/^sandbox +strict +built-in default$/m);
    expect(mirror('explain', 'debian-cd', ...at).stdout).toMatch(
      /^syncrate .*packages\.debian-cd \(packages\.d\/debian\.json:5\)$/m,
    );
  });

  test('the slots are those of every machine and moment: --at decides', () => {
    expect(mirror('explain', 'CTAN', ...at).stdout).toBe(mirror('explain', 'CTAN', ...at).stdout);
    expect(mirror('explain', 'CTAN', '--at', 'soon', '-c', 'example/config.json').status).toBe(64);
  });

  test('one JSON object', () => {
    const { stdout } = mirror('explain', 'ArchLinux', '--json', ...at);
    const report = JSON.parse(stdout) as {
      schedule: { next: string[] };
      sources: { steps: { argv?: string[] }[] }[];
    };
    expect(report).toMatchObject({
      format: 'mirror/explain/1',
      id: 'ArchLinux',
      values: { 'guard.deletes': { value: 20000, origin: { kind: 'package', line: 22 } } },
    });
    expect(report.schedule.next).toHaveLength(5);
    expect(report.sources[0]?.steps[2]?.argv?.[0]).toBe('rsync');
  });

  test('a package that nobody knows', () => {
    const { status, stderr } = mirror('explain', 'ArchLinus', ...at);
    expect(status).toBe(66);
    expect(stderr).toMatch(/no package ArchLinus in .*; did you mean ArchLinux\?\n$/);
  });

  test('no secret, and what goes to standard input instead', () => {
    const name = config(
      'secret.json',
      siteWith(
        rsyncPackage(
          'debian',
          {},
          { src: 'rsync://me:hunter2@up.example.org/x', options: { password: 'hunter2' } },
        ),
      ),
    );
    const both = mirror('explain', 'debian', '-c', name);
    expect(both.stdout + both.stderr).not.toContain('hunter2');
    const { stdout } = mirror(
      'explain',
      'debian',
      '-c',
      config(
        'one.json',
        siteWith(rsyncPackage('debian', {}, { src: 'rsync://me:hunter2@up.example.org/x' })),
      ),
    );
    expect(stdout).not.toContain('hunter2');
    expect(stdout).toContain('the password goes to its standard input');
    expect(stdout).toMatch(/^settings\.options\.password +\*+ +packages\.debian/m);
  });

  test('packages that are not compiled say why', () => {
    const packages = {
      ...rsyncPackage('debian'),
      ...rsyncPackage('there', { hosts: ['elsewhere'] }),
    };
    const name = config('others.json', siteWith(packages, { node: 'here' }));
    expect(mirror('explain', 'there', '-c', name).stdout).toContain('there: not on this machine (here)');
  });
});

test('an option that is given twice is bad usage; packages may be many', () => {
  const twice = (...args: string[]) => {
    const { status, stdout, stderr } = mirror(...args);
    return [status, stdout, stderr.split('\n')[0]];
  };
  expect(twice('-c', 'a', '-c', 'b', 'plan')).toEqual([64, '', 'mirror: -c may be given once only']);
  expect(twice('plan', '--root', 'a', '--root', 'b')).toEqual([
    64,
    '',
    'mirror: --root may be given once only',
  ]);
  expect(twice('compile', '--out', 'a', '--out', 'b')).toEqual([
    64,
    '',
    'mirror: --out may be given once only',
  ]);
  expect(twice('status', '--root', directory, 'debian', 'CTAN')[0]).toBe(66);
});
