import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { layout as layoutOf, type Layout } from '../../src/job/layout.js';
import { peekState } from '../../src/state/store.js';
import { settingsBelow, siteConfig } from '../support/site-config.js';

/** The built program. */
export const ENTRY = process.env.MIRROR_TEST_ENTRY ?? resolve('dist/mirror.cjs');

export interface DaemonEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** A daemon at work. */
export interface Running {
  readonly child: ChildProcess;
  readonly events: readonly DaemonEvent[];
  readonly ended: Promise<number | null>;
  stderr(): string;
  /** The `nth` event of a kind, 1 being the first. */
  event(kind: string, nth?: number): Promise<DaemonEvent>;
}

/** A site below a directory of its own, run by `mirror daemon --root`. */
export interface Machine {
  readonly root: string;
  readonly layout: Layout;
  /** Writes the config: packages by id, each a shell script; `settings` are added. */
  config(packages: Readonly<Record<string, object>>, settings?: object): void;
  daemon(...args: string[]): Running;
  run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>;
  state(id: string): ReturnType<typeof peekState>;
  /** Ends what still runs and removes everything. */
  remove(): Promise<void>;
}

/** A package that runs a shell script at request, or by `more.syncrate`. */
export function script(id: string, text: string, more: object = {}): object {
  return { synctype: 'command', syncrate: '', text, ...more, id };
}

/** Makes an empty machine. */
export function machine(): Machine {
  const root = mkdtempSync(join(tmpdir(), 'mirror-daemon-'));
  const layout = layoutOf(root);
  const running: Running[] = [];
  mkdirSync(join(root, 'etc/mirror'), { recursive: true });
  mkdirSync(join(root, 'www'));
  const start = (args: readonly string[]): ChildProcess =>
    spawn(ENTRY, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  return {
    root,
    layout,
    config(packages, settings = {}) {
      const all = Object.entries(packages).map(([id, { text, ...rest }]: [string, { text?: string }]) => {
        mkdirSync(join(root, 'srv', id), { recursive: true });
        const options = { command: ['/bin/sh', '-c', text ?? 'true'], env: { FLAGS: root } };
        const own = {
          ...{ name: id, id, href: `/${id}`, guard: { min_free: '0%' }, retry: { attempts: 1 } },
          ...{ settings: { src: '', dst: join(root, 'srv', id), options } },
          ...rest,
        };
        return [id, own];
      });
      const config = siteConfig(Object.fromEntries(all) as object, {
        ...settingsBelow(root),
        scheduler: 'daemon',
        ...settings,
      });
      writeFileSync(join(root, 'etc/mirror/config.json'), JSON.stringify(config));
    },
    daemon(...args) {
      const one = watched(start(['daemon', '--root', root, '--json', ...args]));
      running.push(one);
      return one;
    },
    run(...args) {
      const child = start([...args, '--root', root]);
      let [stdout, stderr] = ['', ''];
      child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()));
      child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
      return new Promise((done) => child.on('close', (code) => done({ code, stdout, stderr })));
    },
    state: (id) => peekState(layout, id),
    async remove() {
      for (const { child, ended } of running) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
        await ended;
      }
      // Runs outlive a daemon that was killed.
      rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
}

/** Waits until `condition` holds; fails after `seconds`. */
export async function until(condition: () => boolean, what: string, seconds = 40): Promise<void> {
  for (let waited = 0; waited < seconds * 1000; waited += 20) {
    if (condition()) return;
    await new Promise((next) => setTimeout(next, 20));
  }
  throw new Error(`waited in vain: ${what}`);
}

/** Lines of a file, none while it is not there. */
export function lines(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}

function watched(child: ChildProcess): Running {
  const events: DaemonEvent[] = [];
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString();
    const whole = stdout.split('\n');
    stdout = whole.pop() ?? '';
    // Children's own output is among it.
    for (const line of whole) if (line.startsWith('{')) events.push(JSON.parse(line) as DaemonEvent);
  });
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<number | null>((done) => child.on('exit', done));
  return {
    child,
    events,
    ended,
    stderr: () => stderr,
    async event(kind, nth = 1) {
      const found = (): DaemonEvent | undefined => events.filter(({ event }) => event === kind)[nth - 1];
      await until(() => found() !== undefined || child.exitCode !== null, `event ${kind}; ${stderr}`);
      const event = found();
      if (!event) throw new Error(`the daemon ended before ${kind}: ${stderr}`);
      return event;
    },
  };
}
