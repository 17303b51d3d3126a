import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRoot } from '../../src/boundary/as-user.js';
import { openDirectories, openLogToGroup } from '../../src/boundary/shared-directories.js';
import { askAs, spawnAs } from '../../src/boundary/spawn-as.js';
import { holdLock } from '../../src/daemon/lock.js';

const NOBODY = { user: 65_534, group: 65_534 };

/** The session of a process; 0 stands for one that is gone. */
const sessionOf = (pid: number | string): number => {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
};
const SAY_SESSION = ['sh', '-c', 'cut -d" " -f1,6 /proc/$$/stat'];

describe.skipIf(!isRoot())(
  'a process of another user leads a session of its own, where no terminal is',
  () => {
    test('when it is asked', () => {
      const [pid, session] = askAs(NOBODY, SAY_SESSION, '').stdout.trim().split(' ');
      expect(session).toBe(pid);
      expect(Number(session)).not.toBe(sessionOf('self'));
    });

    test('when it is started', async () => {
      const child = spawnAs(NOBODY, SAY_SESSION, { stdio: 'pipe' });
      const said = await new Promise<string>((done) =>
        child.stdout.once('data', (data) => done(String(data))),
      );
      expect(said.trim()).toBe(`${String(child.pid)} ${String(child.pid)}`);
    });

    test('when it holds the daemon’s lock', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'mirror-lock-'));
      execFileSync('chown', ['65534:65534', directory]);
      const lock = await holdLock(join(directory, 'daemon'), NOBODY);
      try {
        const children = readFileSync(`/proc/self/task/${String(process.pid)}/children`, 'utf8').trim();
        const holders = children.split(' ').filter((pid) => commandOf(pid) === 'flock');
        expect(holders.map(sessionOf)).toEqual(holders.map(Number));
        expect(holders).toHaveLength(1);
      } finally {
        lock?.release();
        rmSync(directory, { recursive: true });
      }
    });
  },
);

function commandOf(pid: string): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}

describe('what is opened to a group', () => {
  let directory: string;
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const modeOf = (name: string): string =>
    execFileSync('stat', ['-c', '%a', join(directory, name)], { encoding: 'utf8' }).trim();
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirror-open-'));
    execFileSync('sh', ['-c', 'umask 022; mkdir -p logs/a/b other/c; ln -s ../../other logs/a/link'], {
      cwd: directory,
    });
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('are this user’s directories, and nothing behind a link', () => {
    const at = (name: string): string => join(directory, name);
    expect(openDirectories(at('logs'), gid, 'folders').sort()).toEqual([at('logs/a'), at('logs/a/b')]);
    expect(['logs', 'logs/a', 'logs/a/b', 'other', 'other/c'].map(modeOf)).toEqual([
      '755',
      '2775',
      '2775',
      '755',
      '755',
    ]);
    expect(openDirectories(at('logs'), gid, 'both')).toEqual([at('logs')]);
    expect(openDirectories(at('logs'), gid, 'both')).toEqual([]);
    expect(openDirectories(at('logs/a/link'), gid, 'both')).toEqual([]);
    expect(uid).toBe(process.getuid?.());
  });

  test('is a log that is there or not, but no FIFO, which would keep its opener waiting', () => {
    const umask = process.umask(0o022);
    openLogToGroup(join(directory, 'logs/new/mirror.log'), gid);
    expect(modeOf('logs/new/mirror.log')).toBe('664');
    execFileSync('mkfifo', [join(directory, 'logs/fifo')]);
    expect(() => openLogToGroup(join(directory, 'logs/fifo'), gid)).toThrow('is not a regular file');
    execFileSync('ln', ['-s', '/etc/passwd', join(directory, 'logs/link')]);
    expect(() => openLogToGroup(join(directory, 'logs/link'), gid)).toThrow('is a link');
    process.umask(umask);
  });
});
