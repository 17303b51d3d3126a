import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeAccounts } from '../../src/apply/accounts.js';
import { logrotateFile, putFile, sysusersFile, tmpfilesFile } from '../../src/apply/setup-files.js';
import { readRecord } from '../../src/apply/setup-record.js';
import { beginWork, type Work } from '../../src/apply/setup-work.js';
import { layout, stateDirectories, STATE_DIRECTORIES } from '../../src/job/layout.js';
import type { Owner } from '../../src/system/system.js';
import { memorySystem, type MemorySystem, type Node } from '../../src/system/memory.js';

const paths = layout();
const mirror = { user: 'mirror', group: 'mirror' };
const file = (content: string): Node => ({ kind: 'file', content, mode: 0o644 });

function begin(more: Record<string, Node> = {}): { work: Work; system: MemorySystem } {
  const tool: Node = { kind: 'file', content: '', mode: 0o755 };
  const tools = ['systemd-sysusers', 'systemd-tmpfiles', 'logrotate'];
  const tree = Object.fromEntries(tools.map((name) => [`/usr/bin/${name}`, tool]));
  const system = memorySystem(new Map(Object.entries({ ...tree, ...more })));
  return { work: beginWork(paths, system), system };
}

describe('a file for another program', () => {
  const wanted = tmpfilesFile(mirror, paths.state, stateDirectories(paths), paths);

  test('is not written where the Debian package has the same', () => {
    const { work, system } = begin({ [wanted.packaged.path]: file(wanted.content) });
    expect(putFile(wanted, work)).toBe(false);
    expect(system.tree.has(wanted.path)).toBe(false);
  });

  test('overrides what the Debian package says of another user', () => {
    const other = tmpfilesFile({ user: 'ftp', group: 'ftp' }, paths.state, stateDirectories(paths), paths);
    const { work, system } = begin({ [wanted.packaged.path]: file(wanted.content) });
    expect(putFile(other, work)).toBe(true);
    expect(system.read(other.path)).toBe(other.content);
  });

  test('is not written where nothing reads it', () => {
    const { work, system } = begin();
    system.tree.delete('/usr/bin/systemd-tmpfiles');
    expect(putFile(wanted, work)).toBe(false);
    expect(system.tree.has(wanted.path)).toBe(false);
  });

  test("never replaces somebody else's, and says so", () => {
    const { work, system } = begin({ [wanted.path]: file('mine') });
    expect(putFile(wanted, work)).toBe(false);
    expect(system.read(wanted.path)).toBe('mine');
    expect(work.problems).toEqual([
      `${wanted.path} is not as setup wrote it: move it away and run setup again, or keep it`,
    ]);
  });

  test('follows the config as long as nobody edited it', () => {
    const { work, system } = begin();
    putFile(wanted, work);
    const next = tmpfilesFile({ user: 'ftp', group: 'ftp' }, paths.state, stateDirectories(paths), paths);
    expect(putFile(next, work)).toBe(true);
    expect(system.read(next.path)).toBe(next.content);
    system.writeFile(next.path, 'mine', 0o644);
    expect(putFile(next, work)).toBe(false);
    expect(work.problems).toEqual([]);
    putFile(wanted, work);
    expect(work.problems).toHaveLength(1);
  });

  test('that was written just before a kill is recorded by the next setup', () => {
    const { work, system } = begin({ [wanted.path]: file(wanted.content) });
    expect(putFile(wanted, work)).toBe(false);
    expect(Object.keys(readRecord(paths, system).files)).toEqual([wanted.path]);
  });

  test('names a group only where no user brings it along', () => {
    const accounts = [mirror, { user: 0, group: 'mirror' }, { user: 'archie', group: 'mirror' }];
    const lines = sysusersFile(accounts, paths).content.split('\n').slice(1, -1);
    expect(lines.map((line) => line.split(' "')[0])).toEqual(['u mirror -', 'u archie -:mirror']);
  });

  test('lists no account that comes from elsewhere, such as LDAP', async () => {
    const { work, system } = begin();
    const users: Record<string, Owner> = { ldap: { uid: 5000, gid: 5000 } };
    const known = (name: string | number): Owner | null => users[name] ?? null;
    const run = (argv: readonly string[]): ReturnType<typeof system.run> => {
      if (argv[0] === 'systemd-sysusers') users.archie = { uid: 990, gid: 5000 };
      return system.run(argv);
    };
    const machine = {
      ...system,
      user: known,
      group: (name: string | number) => known(name)?.gid ?? null,
      run,
    };
    const accounts = [
      { user: 'ldap', group: 'ldap' },
      { user: 'archie', group: 'ldap' },
    ];
    await makeAccounts(accounts, { ...work, system: machine });
    await makeAccounts(accounts, { ...work, system: machine });
    expect(work.done.slice(-2)).toEqual(['created /etc/sysusers.d/mirror.conf', 'created user archie']);
    expect(system.read('/etc/sysusers.d/mirror.conf')).not.toMatch(/^[ug] ldap/m);
    expect(work.problems).toEqual([]);
  });

  test('rotates no log twice: the package has a rule for the same path', () => {
    const own = logrotateFile(mirror, { path: '/var/log/mirror/mirror.log', gzip: true }, paths);
    const other = logrotateFile(mirror, { path: '/srv/log/mirror.log', gzip: true }, paths);
    const { work } = begin({ '/etc/logrotate.d/mirror': file(own?.content ?? '') });
    expect(own && putFile(own, work)).toBe(false);
    expect(other && putFile(other, work)).toBe(true);
  });
});

describe('read by the real program', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'mirror-files-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const on = (name: string): boolean => ['/usr/bin', '/usr/sbin'].some((at) => existsSync(`${at}/${name}`));

  test.skipIf(!on('systemd-tmpfiles'))('tmpfiles.d makes directories with any name', () => {
    const me = { user: process.getuid?.() ?? 0, group: process.getgid?.() ?? 0 };
    const state = join(directory, `a b%n"c\\d'e`);
    const path = join(directory, 'mirror.conf');
    writeFileSync(path, tmpfilesFile(me, state, stateDirectories(paths), paths).content);
    const { status, stderr } = spawnSync('systemd-tmpfiles', ['--create', path], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    for (const name of STATE_DIRECTORIES)
      expect(statSync(join(state, name)).mode & 0o7777).toBe(name === 'locks' ? 0o2770 : 0o2775);
  });

  const isRoot = process.getuid?.() === 0;
  test.skipIf(!isRoot || !on('systemd-sysusers'))('sysusers.d makes users with their groups', () => {
    mkdirSync(join(directory, 'etc'));
    for (const name of ['passwd', 'group']) cpSync(`/etc/${name}`, join(directory, 'etc', name));
    const path = join(directory, 'mirror.conf');
    const accounts = [
      { user: 'mirror-1', group: 'mirror-1' },
      { user: 'archie-1', group: 'mirror-1' },
      { user: 12345, group: 'only-1' },
      { user: 'no.name$', group: 'mirror-1' },
    ];
    writeFileSync(path, sysusersFile(accounts, paths).content);
    const { status } = spawnSync('systemd-sysusers', [`--root=${directory}`, path]);
    expect(status).toBe(0);
    const rows = (name: string): Map<string, string[]> =>
      new Map(
        readFileSync(join(directory, 'etc', name), 'utf8')
          .split('\n')
          .map((line) => [line.split(':')[0] ?? '', line.split(':')]),
      );
    const [users, groups] = [rows('passwd'), rows('group')];
    expect(users.get('archie-1')?.[3]).toBe(groups.get('mirror-1')?.[2]);
    expect(users.get('archie-1')?.slice(5)).toEqual(['/var/lib/mirror', '/usr/sbin/nologin']);
    expect([groups.has('only-1'), users.has('no.name$')]).toEqual([true, false]);
  });

  test.skipIf(!on('logrotate'))('logrotate takes a path with blanks for one file', () => {
    const log = join(directory, 'a log.d', 'mirror.log');
    mkdirSync(join(directory, 'a log.d'));
    writeFileSync(log, 'x');
    const rule = join(directory, 'rule');
    writeFileSync(
      rule,
      logrotateFile({ user: 0, group: 0 }, { path: log, gzip: true }, paths)?.content ?? '',
    );
    const { stderr } = spawnSync('logrotate', ['-d', rule], { encoding: 'utf8' });
    expect(stderr).toContain(`considering log ${log}\n`);
    expect(stderr).not.toMatch(/error/i);
    expect(logrotateFile(mirror, { path: '/var/log/*/mirror.log', gzip: false }, paths)).toBeNull();
  });
});
