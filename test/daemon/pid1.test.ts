import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ENTRY, lines, machine, script, until, type Machine } from './machine.js';

/** The daemon as PID 1 of a pid namespace of its own, as in a container: it has to reap every orphan. */
const noNamespace = process.getuid?.() === 0 ? null : 'needs root';

let site: Machine;
let outer: ChildProcess | null = null;
afterEach(async () => {
  if (outer !== null && outer.exitCode === null) {
    const ended = new Promise((done) => outer?.once('exit', done));
    outer.kill('SIGKILL');
    await ended;
  }
  outer = null;
  await site.remove();
});

/** Starts a command as PID 1; --kill-child ends all of it with `unshare`. */
function pid1(...argv: string[]): { stderr(): string; init(): number; ended: Promise<number | null> } {
  const child = spawn('unshare', ['--pid', '--fork', '--mount-proc', '--kill-child=SIGKILL', '--', ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  outer = child;
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  return {
    stderr: () => stderr,
    init: () => Number(readFileSync(`/proc/${String(child.pid)}/task/${String(child.pid)}/children`, 'utf8')),
    ended: new Promise((done) => child.on('exit', done)),
  };
}

/** Children of a process: [name, state]; Node 24 goes by the name of its main thread. */
function children(pid: number): [string, string][] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): [string, string][] => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(parent) === pid
          ? [[stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), state]]
          : [];
      } catch {
        return [];
      }
    });
}

/** A sync that leaves something behind, in a session of its own, which ends later, as a careless script does. */
const CARELESS =
  'setsid sh -c "touch $FLAGS/left; exec sleep 1.5" >/dev/null 2>&1 </dev/null & until [ -e $FLAGS/left ]; do sleep 0.02; done';

/** A daemon that is PID 1, or started by `launcher` which is, of a site with such a package and a slow one. */
async function daemon(...launcher: string[]): Promise<ReturnType<typeof pid1>> {
  site = machine();
  site.config({
    debian: script('debian', CARELESS),
    slow: script('slow', 'echo x >>$FLAGS/slow; exec sleep 60'),
  });
  expect((await site.run('apply')).code).toBe(0);
  const box = pid1(...launcher, ENTRY, 'daemon', '--root', site.root);
  await until(() => box.stderr().includes('daemon started'), 'the daemon');
  return box;
}

/** A request of somebody inside, which the daemon's tick would start as well. */
async function pushInside(init: number, id: string): Promise<void> {
  const namespaces = ['--target', String(init), '--pid', '--mount'];
  const inside = spawn('nsenter', [...namespaces, '--', ENTRY, 'push', '--root', site.root, id]);
  await new Promise((done) => inside.on('exit', done));
}

describe.skipIf(noNamespace !== null)(`as PID 1${noNamespace === null ? '' : ` (${noNamespace})`}`, () => {
  test('it reaps what runs leave behind', async () => {
    const box = await daemon();
    await pushInside(box.init(), 'debian');
    await until(() => children(box.init()).some(([name]) => name === 'sleep'), 'an orphan');
    const isNode = ([name]: [string, string]): boolean => ['node', 'MainThread'].includes(name);
    await until(() => children(box.init()).every(isNode), 'nothing but the daemon');
    expect(children(box.init()).map(([, state]) => state)).not.toContain('Z');
    expect(box.stderr()).not.toContain('PID 1');
  });

  test('it passes signals on, and ends with every run', async () => {
    const box = await daemon();
    await pushInside(box.init(), 'slow');
    await until(() => lines(join(site.root, 'slow')).length === 1, 'the run');
    process.kill(box.init(), 'SIGHUP');
    await until(() => box.stderr().includes('reloaded: nothing changed; 2 packages'), 'the reload');
    process.kill(box.init(), 'SIGTERM');
    expect(await box.ended).toBe(0);
    expect(box.stderr()).toMatch(/stopping, 1 run to end\n[^]*mirror: stopped\n$/);
    expect(site.state('slow')).toMatchObject({ run: null, last: { outcome: 'interrupted' } });
  });

  test('Node itself cannot reap them, and the daemon says so', async () => {
    const box = await daemon(process.execPath);
    expect(box.stderr()).toContain('Node is PID 1 and reaps only its own children');
    await pushInside(box.init(), 'debian');
    await until(
      () => children(box.init()).some(([name, state]) => name === 'sleep' && state === 'Z'),
      'a zombie',
    );
  });
});
