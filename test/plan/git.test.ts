import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../../src/compile/index.js';
import { gitReader } from '../../src/config/git-reader.js';
import { diskReader, readSite, type ConfigReader } from '../../src/config/index.js';
import { layout } from '../../src/job/layout.js';
import type { Intent } from '../../src/plan/assemble.js';
import { filePatches, markdown } from '../../src/plan/documents.js';
import type { Plan } from '../../src/plan/plan.js';
import { between } from '../../src/plan/revisions.js';
import { siteConfig } from '../support/site-config.js';

let repository: string;
/** In a folder of a larger repository, as real sites have it. */
const config = (): string => join(repository, 'ops/mirror/config.json');

const git = (...args: string[]): string =>
  execFileSync(
    'git',
    ['-C', repository, '-c', 'user.name=Alice', '-c', 'user.email=alice@example.org', ...args],
    {
      encoding: 'utf8',
    },
  );
const write = (name: string, value: object): void => {
  const path = join(repository, 'ops/mirror', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(value, null, 2));
};
const aPackage = (id: string, options = {}): object => ({
  [id]: {
    name: id,
    id,
    href: `/${id}`,
    synctype: 'rsync',
    syncrate: 'PT6H',
    link: [],
    settings: { hidden: false, src: `rsync://upstream.example.org/${id}`, dst: `/srv/ftp/${id}`, options },
  },
});

beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), 'mirror-git-'));
  git('init', '-q', '-b', 'main');
  const logger = {
    packagefileformat: { base: '/var/log/mirror/p', folder: '{year}', filename: '{packageid}.log' },
  };
  write(
    'config.json',
    siteConfig({}, { localtimezone: 'Asia/Seoul', logger }, { include: ['packages.d/*.json'] }),
  );
  write('packages.d/debian.json', aPackage('debian'));
  write('packages.d/CTAN.json', aPackage('CTAN'));
  git('add', '.');
  git('commit', '-q', '-m', 'two packages');
  write('packages.d/debian.json', aPackage('debian', { bwlimit: '50m' }));
  git('commit', '-q', '-a', '-m', 'slower');
  write('packages.d/own.json', aPackage('own'));
});
afterAll(() => rmSync(repository, { recursive: true, force: true }));

function intent(reader: ConfigReader): Intent {
  const { site, diagnostics } = readSite(reader, config(), { node: 'mirror1' });
  if (!site) throw new Error(JSON.stringify(diagnostics));
  const { artifacts, jobs } = compile(site, {
    layout: layout(),
    executable: '/usr/bin/mirror',
    nameServers: [],
  });
  return { site, layout: layout(), artifacts, jobs, executable: '/usr/bin/mirror' };
}

const at = (revision: string): Intent => intent(gitReader(dirname(config()), revision));
const changed = (plan: Plan): string[] => plan.changes.map(({ kind, path }) => `${kind} ${path}`);

describe('two revisions of a config', () => {
  test('differ in what they compile to, whatever the working tree holds', () => {
    const plan = between(at('HEAD~1'), at('HEAD'), 0);
    expect(changed(plan)).toEqual([
      'update /etc/mirror/compiled/jobs/debian.json',
      'update /etc/mirror/compiled/site.json',
    ]);
    expect(plan.packages.map(({ id, kind }) => [id, kind])).toEqual([['debian', 'changed']]);
    expect(filePatches(plan.changes)[0]?.patch).toContain('+            "--bwlimit=50m",\n');
  });

  test('are the same as themselves', () => {
    expect(between(at('main'), at('HEAD'), 0).nothing).toBe(true);
  });

  test('a revision against the working tree sees a file that git does not know yet', () => {
    const plan = between(at('HEAD'), intent(diskReader()), 0);
    expect(changed(plan).filter((line) => line.startsWith('create'))).toEqual([
      'create /etc/mirror/compiled/jobs/own.json',
      'create /etc/systemd/system/mirror-sync-own.service',
      'create /etc/systemd/system/mirror-sync-own.timer',
      'create /etc/systemd/system/timers.target.wants/mirror-sync-own.timer',
    ]);
  });

  test('as Markdown are a summary, the words, and a fenced diff a file', () => {
    const plan = between(at('HEAD~1'), at('HEAD'), 0);
    const text = markdown(plan, filePatches(plan.changes), 'UTC');
    expect(text).toMatch(
      /^\*\*Plan: 0 to add, 1 to change, 0 to remove; 2 files to write, 0 to delete\.\*\*\n\n```\n~ debian\n/,
    );
    expect(text.match(/^```diff$/gm)).toHaveLength(2);
    const turned = markdown(
      plan,
      [{ path: '/x\u202e', kind: 'update', package: null, patch: '+a\u2028b\u001b[31m\n' }],
      'UTC',
    );
    expect(turned).toContain('<code>/x\\u202e</code>');
    expect(turned).toContain('+a\\u2028b\\x1b[31m\n');
    const fenced = markdown(plan, [{ path: '/x', kind: 'update', package: null, patch: '+```\n' }], 'UTC');
    expect(fenced).toContain('````diff\n+```\n````\n');
  });

  test('a linked config is read as the link leads', () => {
    symlinkSync('config.json', join(repository, 'ops/mirror/linked.json'));
    git('add', '.');
    git('commit', '-q', '-m', 'a link');
    const reader = gitReader(dirname(config()), 'HEAD');
    expect(Buffer.from(reader.read(join(repository, 'ops/mirror/linked.json'))).toString()).toContain(
      '"mirrorname"',
    );
  });

  test('that do not exist, and files that they do not have, are named', () => {
    expect(() => at('nonsense')).toThrow(/no such revision: nonsense/);
    expect(() => at('--output=/tmp/x')).toThrow(/no such revision/);
    expect(() => gitReader(tmpdir(), 'HEAD')).toThrow(/not a git repository/);
    expect(() => gitReader(dirname(config()), 'HEAD').read('/etc/passwd')).toThrow(
      'HEAD:/etc/passwd: no such file',
    );
  });
});
