import { spawn } from 'node:child_process';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { apply } from '../../src/apply/apply.js';
import { UnusableManifest } from '../../src/apply/read-manifest.js';
import { uninstall } from '../../src/apply/uninstall.js';
import { layout } from '../../src/job/layout.js';
import { intercept } from '../../src/system/intercept.js';
import { realSystem } from '../../src/system/real.js';
import type { System } from '../../src/system/system.js';
import type { Intent } from '../../src/plan/assemble.js';
import { pkg } from '../compile/site.js';
import { ask, intend } from './machine.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mirror-apply-'));
  mkdirSync(join(root, 'srv'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const settings = (): object => ({
  statusfile: `${root}/www/status.json`,
  statfile: `${root}/var/lib/mirror/stat.json`,
});
const wanted = (ids: readonly string[]): Intent =>
  intend(
    ids.map((id) =>
      pkg(id, { dst: `${root}/srv/${id}`, user: 'nobody-knows-me', password: { literal: 'hunter2' } }),
    ),
    settings(),
    root,
  );

/** The real system, where starting a program is a mistake unless it is the publishing one. */
function quiet(): System & { readonly started: string[] } {
  const started: string[] = [];
  const real = realSystem();
  const note = (argv: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    started.push(argv.join(' '));
    return Promise.resolve({ code: 0, stdout: '', stderr: '' });
  };
  const user = (): never => {
    throw new Error('a user was looked up');
  };
  return { ...real, run: note, query: note, user, group: user, started };
}

/** Path → inode, change time, mode and content of everything below root. */
function picture(): Record<string, unknown> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const { ino, ctimeMs, mode } = lstatSync(join(root, name));
      return [name, [ino, ctimeMs, mode]];
    }),
  );
}

describe('apply --root', () => {
  test('writes a whole tree without asking for users, systemd or its tools', async () => {
    const system = quiet();
    expect(await apply(wanted(['debian', 'CTAN']), ask(), system)).toMatchObject({
      kind: 'applied',
      messages: [],
    });
    expect(system.started.filter((line) => !line.startsWith('git '))).toEqual([
      `/usr/bin/mirror publish --root ${root}`,
    ]);
    const names = Object.keys(picture());
    expect(names).toContain('etc/systemd/system/timers.target.wants/mirror-sync-debian.timer');
    expect(names).toContain('var/lib/mirror/locks');
    expect(names).toContain('srv/CTAN');
    expect(names.filter((name) => name.includes('.tmp'))).toEqual([]);
    expect(lstatSync(`${root}/etc/mirror/secrets/debian.password`).mode & 0o777).toBe(0o600);
    expect(readFileSync(`${root}/etc/mirror/compiled/manifest.json`, 'utf8')).not.toContain('hunter2');
  });

  test('a second time touches no file and starts no program', async () => {
    await apply(wanted(['debian', 'CTAN']), ask(), quiet());
    const before = picture();
    const system = quiet();
    expect(await apply(wanted(['debian', 'CTAN']), ask(), system)).toMatchObject({ kind: 'nothing' });
    expect(picture()).toEqual(before);
    expect(system.started).toEqual([]);
  });

  test('for a change of one package rewrites that one’s files only', async () => {
    await apply(wanted(['debian', 'CTAN']), ask(), quiet());
    const before = picture();
    const two = wanted(['debian', 'CTAN']);
    const guard = { ...pkg('CTAN').guard, deletes: 1 };
    const ctan = pkg('CTAN', { ...two.site.packages[1], guard });
    await apply(intend([...two.site.packages.slice(0, 1), ctan], settings(), root), ask(), quiet());
    const after = picture();
    const changed = Object.keys(after).filter(
      (name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]),
    );
    expect(
      changed.filter((name) => name !== 'etc/mirror/compiled/lock' && lstatSync(join(root, name)).isFile()),
    ).toEqual([
      'etc/mirror/compiled/history.jsonl',
      'etc/mirror/compiled/jobs/CTAN.json',
      'etc/mirror/compiled/manifest.json',
    ]);
  });

  test('leaves a dst outside of DIR alone', async () => {
    const outside = intend([pkg('debian', { dst: '/nowhere/at/all' })], settings(), root);
    expect(await apply(outside, ask(), quiet())).toMatchObject({ kind: 'applied' });
  });

  test('keeps an unreadable journal for a person to look at', async () => {
    await apply(wanted(['debian']), ask(), quiet());
    writeFileSync(`${root}/etc/mirror/compiled/journal.json`, '{"format":"mirror/journal/9"}');
    const result = await apply(wanted(['debian', 'CTAN']), ask(), quiet());
    expect(result).toMatchObject({
      kind: 'failed',
      reason: 'an earlier apply died, and what it did cannot be undone',
    });
  });

  test('refuses what was copied from another installation, whose files it would delete', async () => {
    const review = join(root, 'review');
    await apply(wanted(['debian']), ask(), quiet());
    const before = picture();
    cpSync(join(root, 'etc/mirror'), join(review, 'etc/mirror'), { recursive: true });
    const empty = intend([], settings(), review);
    await expect(apply(empty, ask(), quiet())).rejects.toThrow(UnusableManifest);
    const { problems } = await uninstall(layout(review), true, quiet());
    expect(problems[0]).toMatch(
      /^\S+\/review\/etc\/mirror\/compiled\/manifest\.json was copied from another installation: it lists /,
    );
    expect(picture()).toMatchObject(before);
  });

  test('undoes no other installation’s apply, whose journal was copied', async () => {
    const review = join(root, 'review');
    let step = 0;
    const dying = intercept(quiet(), () => {
      if ((step += 1) > 30) throw new Error('killed');
    });
    await apply(wanted(['debian']), ask(), dying).catch(() => undefined);
    cpSync(join(root, 'etc/mirror'), join(review, 'etc/mirror'), { recursive: true });
    const before = readdirSync(join(root, 'etc/mirror/compiled'));
    const copied = `${review}/etc/mirror/compiled/journal.json was copied from the installation below ${root}: remove it here`;
    expect(await apply(intend([], settings(), review), ask(), quiet())).toMatchObject({
      kind: 'failed',
      problems: [copied],
    });
    expect((await uninstall(layout(review), true, quiet())).problems).toEqual([copied]);
    expect(readdirSync(join(root, 'etc/mirror/compiled'))).toEqual(before);
  });

  test('sweeps away temporary files of writes that never came to their rename', async () => {
    let step = 0;
    const dying = intercept(quiet(), () => {
      if ((step += 1) > 25) throw new Error('killed');
    });
    await apply(wanted(['debian']), ask(), dying).catch(() => undefined);
    // It holds secrets of before.
    expect(lstatSync(`${root}/etc/mirror/compiled/journal.json`).mode & 0o777).toBe(0o600);
    const left = `${root}/etc/systemd/system/.mirror.slice.0123456789ab.tmp`;
    mkdirSync(`${root}/etc/systemd/system`, { recursive: true });
    writeFileSync(left, 'half');
    const stranger = `${root}/etc/systemd/system/.other.service.0123456789ab.tmp`;
    writeFileSync(stranger, 'not ours');
    await apply(wanted(['debian']), ask(), quiet());
    const names = readdirSync(`${root}/etc/systemd/system`);
    expect(names.filter((name) => name.endsWith('.tmp'))).toEqual(['.other.service.0123456789ab.tmp']);
  });

  test('two at once: one waits for nobody and says that the other is at work', async () => {
    await apply(wanted(['debian']), ask(), quiet());
    const lock = `${root}/etc/mirror/compiled/lock`;
    const holder = spawn('flock', ['-n', lock, 'sh', '-c', 'echo locked; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve));
      expect(await apply(wanted(['debian', 'CTAN']), ask(), quiet())).toEqual({ kind: 'busy' });
    } finally {
      if (holder.pid !== undefined) process.kill(-holder.pid, 'SIGKILL');
    }
  });
});
