import { appliedStamp, dueNow, livingRuns, readApplied, type Applied } from '../daemon/applied.js';
import { startMirror } from '../daemon/children.js';
import { realClock } from '../daemon/clock.js';
import { daemon, type Daemon, type Event, type Ports } from '../daemon/daemon.js';
import { listenForControl } from '../daemon/socket.js';
import { EXIT } from '../job/outcome.js';
import type { Layout } from '../job/layout.js';
import { tryLock, type Lock } from '../system/flock.js';
import { layoutOf } from './applied-site.js';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

/** `mirror daemon`: exits 0 when it was told to end and every run did, 1 when one had to be left. */
export async function runDaemon(options: GlobalOptions & { readonly apply: boolean }): Promise<void> {
  const layout = layoutOf(options);
  const say = options.json ? sayJson : sayText;
  const ports = portsOf(layout, options, say);
  if (process.pid === 1) {
    const message = 'Node is PID 1 and reaps only its own children: start `mirror` itself, or under an init';
    say({ event: 'problem', message });
  }
  // Signals of the first seconds count, too.
  const told: { daemon: Daemon | null; early: boolean } = { daemon: null, early: false };
  const stop = (): void => {
    if (told.daemon) told.daemon.stop();
    else told.early = true;
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  process.on('SIGHUP', () => void told.daemon?.reload());
  const applied = await firstApplied(layout, ports, options.apply);
  // After apply, which makes the directory that the lock is in; until the process ends.
  const lock = lockDaemon(layout);
  const running = daemon(ports, applied);
  told.daemon = running;
  if (told.early) running.stop();
  const reload = (): ReturnType<Daemon['reload']> => running.reload();
  const problem = (message: string): void => say({ event: 'problem', message });
  const server = await listenForControl(layout, applied.site, { reload, say: problem }).catch(
    (error: unknown) => {
      problem(`no control socket: ${(error as Error).message}`);
      return null;
    },
  );
  const left = await running.ended;
  server?.close();
  lock.release();
  // A connection that somebody keeps open must not keep us.
  setTimeout(() => process.exit(), 1000).unref();
  if (left > 0) throw new ExitError(EXIT.failure);
}

async function firstApplied(layout: Layout, ports: Ports, apply: boolean): Promise<Applied> {
  if (apply) {
    const { root, config } = ports.options;
    const { code } = await ports.start(['apply', ...config, ...root], true).ended;
    if (code !== 0) {
      if (readApplied(layout) === null) throw new ExitError(code ?? EXIT.failure);
      ports.say({ event: 'not-applied', exit: code });
    }
  }
  const applied = readApplied(layout);
  if (applied === null)
    throw new ExitError(EXIT.noInput, 'mirror: nothing is applied here: run `mirror apply`');
  if (applied.jobs.size === 0 && applied.site.packages.length > 0) {
    const help = 'set `settings.scheduler` to `daemon`, and `mirror apply`';
    throw new ExitError(EXIT.config, `mirror: what is applied here is another scheduler's: ${help}`);
  }
  return applied;
}

function lockDaemon(layout: Layout): Lock {
  const lock = tryLock(layout.daemonLock);
  if (lock === null) throw new ExitError(EXIT.busy, 'mirror: a daemon is running already');
  return lock;
}

function portsOf(layout: Layout, options: GlobalOptions, say: (event: Event) => void): Ports {
  return {
    clock: realClock(),
    start: startMirror,
    options: {
      root: layout.root === '' ? [] : ['--root', layout.root],
      config: [
        ...(options.config === undefined ? [] : ['--config', options.config]),
        ...(options['allow-outside'] ?? []).flatMap((directory) => ['--allow-outside', directory]),
      ],
    },
    readApplied: () => readApplied(layout),
    stamp: () => appliedStamp(layout),
    dueNow: (applied, now) => dueNow(layout, applied, now),
    livingRuns: (applied) => livingRuns(layout, applied),
    signal: (pid, signal) => {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended by itself this moment.
      }
    },
    say,
  };
}

function sayJson(event: Event): void {
  process.stdout.write(
    `${JSON.stringify({ format: 'mirror/daemon/1', at: new Date().toISOString(), ...event })}\n`,
  );
}

function sayText(event: Event): void {
  process.stderr.write(`mirror: ${textOf(event)}\n`);
}

function textOf(event: Event): string {
  switch (event.event) {
    case 'started':
      return `daemon started, ${counted(event.packages, 'package')}`;
    case 'reloaded': {
      const kinds = (['added', 'changed', 'removed'] as const).filter((kind) => event[kind].length > 0);
      const changes = kinds.map((kind) => `${kind} ${event[kind].join(', ')}`).join('; ');
      return `reloaded: ${changes || 'nothing changed'}; ${counted(event.packages, 'package')}`;
    }
    case 'not-applied':
      return `the config was not applied (exit ${String(event.exit)}); going on with what was applied before`;
    case 'problem':
      return event.message;
    case 'stopping':
      return `stopping, ${counted(event.runs, 'run')} to end`;
    case 'stopped':
      return event.left === 0 ? 'stopped' : `stopped; ${counted(event.left, 'run')} did not end in time`;
  }
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}
