import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rsyncPackage, siteWith } from '../config/read.js';

const program = join(import.meta.dirname, '../../dist/mirror.cjs');

let root: string;
let config: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mirror-git-ignore-'));
  config = join(root, 'etc/mirror');
  mkdirSync(config, { recursive: true });
  const settings = { options: { user: 'mirror', password: 'hunter2' } };
  writeFileSync(join(config, 'config.json'), siteWith(rsyncPackage('debian', {}, settings)));
});
afterEach(() => rmSync(root, { recursive: true }));

function mirror(...args: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [program, ...args, '--root', root], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  return stdout + stderr;
}

/** What `git add -A` takes in a repository of the config's directory. */
function added(): string[] {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', config, ...args], { encoding: 'utf8' });
  if (!existsSync(join(config, '.git'))) git('init', '-q');
  git('add', '-A');
  return git('ls-files').trim().split('\n');
}

describe('a config directory that is a git repository', () => {
  it('takes neither secrets nor generated files in, from setup on', () => {
    mirror('setup');
    expect(added()).toEqual(['config.json']);
    expect(mirror('setup')).not.toContain('.gitignore');
    expect(mirror('apply')).toContain('Applied: 1 added');
    expect(readFileSync(join(config, 'secrets/debian.password'), 'utf8')).toBe('hunter2\n');
    expect(existsSync(join(config, 'compiled/jobs/debian.json'))).toBe(true);
    expect(added()).toEqual(['config.json']);
    expect(mirror('apply')).toContain('Nothing to do.');
  });

  it('takes none in where apply came without setup, and keeps the secrets closed', () => {
    expect(mirror('apply')).toContain('Applied: 1 added');
    expect(added()).toEqual(['config.json']);
    expect(statSync(join(config, 'secrets')).mode & 0o777).toBe(0o700);
    expect(statSync(join(config, 'secrets/debian.password')).mode & 0o777).toBe(0o600);
    expect(mirror('apply')).toContain('Nothing to do.');
  });

  it('keeps the words of an administrator', () => {
    const path = join(config, 'compiled/.gitignore');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '!/jobs\n');
    mirror('setup');
    mirror('apply');
    expect(readFileSync(path, 'utf8')).toBe('!/jobs\n');
  });

  it('loses the ignore files with the last of what they keep out', () => {
    mirror('setup');
    mirror('apply');
    const own = join(config, 'secrets/webhook');
    writeFileSync(own, 'https://chat.example.org/hook\n', { mode: 0o600 });
    mirror('setup', '--uninstall');
    // The history of applies stays, and so does the file of the administrator.
    expect(added()).toEqual(['config.json']);
    rmSync(own);
    rmSync(join(config, 'compiled'), { recursive: true });
    mirror('setup');
    mirror('setup', '--uninstall');
    for (const name of ['secrets', 'compiled']) expect(existsSync(join(config, name))).toBe(false);
  });
});
