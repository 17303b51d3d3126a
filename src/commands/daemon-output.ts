import { isRootAccount } from '../boundary/as-user.js';
import { endWithParent } from '../boundary/root-service.js';
import { appliedStamp, readApplied, type Applied } from '../daemon/applied.js';
import { starterFor } from '../daemon/children.js';
import { realClock } from '../daemon/clock.js';
import { acceptConnections } from '../daemon/connections.js';
import { daemon, type Daemon, type Event, type Ports } from '../daemon/daemon.js';
import { ERRANDS, type Errand } from '../daemon/errands.js';
import { holdLock, type HeldLock } from '../daemon/lock.js';
import { EXIT } from '../job/outcome.js';
import type { Layout } from '../job/layout.js';
import { jsonText } from '../job/plain-text.js';
import type { SiteFile } from '../job/site-file.js';
import { readSecretsAsRoot } from '../run/special/root-secrets.js';
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
  const problem = (message: string): void => say({ event: 'problem', message });
  process.on('SIGHUP', () => {
    told.daemon?.reload().catch((error: unknown) => problem((error as Error).message));
  });
  const applied = await firstApplied(layout, ports, options.apply);
  // After apply, which makes the directory that the lock is in; until the process ends.
  const lock = await lockDaemon(layout, applied.site, ports.starter.canBecomeUsers);
  lock.onLost(() => problem('the daemon lock is lost: a second daemon would not be refused'));
  const running = daemon(ports, applied);
  told.daemon = running;
  if (told.early) running.stop();
  const hangUp = await acceptConnections(layout, applied.site, running.serve).catch((error: unknown) => {
    problem(`no control socket: ${(error as Error).message}`);
    return null;
  });
  const left = await running.ended;
  hangUp?.();
  lock.release();
  // A child that hangs must not keep the daemon.
  setTimeout(() => process.exit(), 1000).unref();
  if (left > 0) throw new ExitError(EXIT.failure);
}

/** `mirror daemon --errand`, which a daemon starts; see `daemon/errands.ts`. */
export function runErrand(options: GlobalOptions, errand: Errand): Promise<void> {
  endWithParent();
  return ERRANDS[errand](layoutOf(options));
}

async function firstApplied(layout: Layout, ports: Ports, apply: boolean): Promise<Applied> {
  if (apply) {
    const { code } = await ports.starter.own({ words: ['apply', ...ports.config], quiet: true }).ended;
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

/** As the user whose file the lock is. */
async function lockDaemon(layout: Layout, { run_as: account }: SiteFile, isRoot: boolean): Promise<HeldLock> {
  const lock = await holdLock(layout.daemonLock, isRoot && !isRootAccount(account) ? account : null).catch(
    (error: unknown) => {
      throw new ExitError(EXIT.cantCreate, `mirror: ${(error as Error).message}`);
    },
  );
  if (lock === null) throw new ExitError(EXIT.busy, 'mirror: a daemon is running already');
  return lock;
}

function portsOf(layout: Layout, options: GlobalOptions, say: (event: Event) => void): Ports {
  return {
    clock: realClock(),
    starter: starterFor(layout),
    config: [
      ...(options.config === undefined ? [] : ['--config', options.config]),
      ...(options['allow-outside'] ?? []).flatMap((directory) => ['--allow-outside', directory]),
    ],
    readApplied: () => readApplied(layout),
    stamp: () => appliedStamp(layout),
    readSecrets: (job) => Object.fromEntries(readSecretsAsRoot(job)),
    say,
  };
}

function sayJson(event: Event): void {
  process.stdout.write(
    `${jsonText({ format: 'mirror/daemon/1', at: new Date().toISOString(), ...event })}\n`,
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
