import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endChild, isOpen } from './child.js';

/** One module of a test daemon: lines of rsyncd.conf(5) beside its path. */
export interface Module {
  readonly path: string;
  readonly options?: Readonly<Record<string, string>>;
}

export interface Rsyncd {
  readonly port: number;
  /** `rsync://127.0.0.1:PORT/module`, with a user in front if given. */
  url(module: string, user?: string): string;
  /** Adds global lines of rsyncd.conf(5), such as `motd file`: the daemon reads it for each connection. */
  configure(lines: Readonly<Record<string, string>>): void;
  stop(): Promise<void>;
}

/** A real rsync daemon on a free port of the loopback, serving `modules` read-only. */
export async function startRsyncd(
  modules: Readonly<Record<string, Module>>,
  secrets: Readonly<Record<string, string>> = {},
): Promise<Rsyncd> {
  const directory = mkdtempSync(join(tmpdir(), 'mirror-rsyncd-'));
  mkdirSync(directory, { recursive: true });
  const secretsFile = join(directory, 'secrets');
  const lines = Object.entries(secrets).map(([user, password]) => `${user}:${password}\n`);
  writeFileSync(secretsFile, lines.join(''), { mode: 0o600 });
  const config = join(directory, 'rsyncd.conf');
  const identity = process.getuid?.() === 0 ? 'uid = root\ngid = root\n' : '';
  const section = ([name, { path, options = {} }]: [string, Module]): string =>
    [
      `[${name}]`,
      `path = ${path}`,
      'read only = yes',
      ...Object.entries(options).map(([key, value]) => `${key} = ${value.replace('SECRETS', secretsFile)}`),
    ].join('\n');
  const body = Object.entries(modules).map(section).join('\n');
  const write = (lines: Readonly<Record<string, string>> = {}): void => {
    const more = Object.entries(lines).map(([key, value]) => `${key} = ${value}\n`);
    writeFileSync(
      config,
      `use chroot = no\nlock file = ${directory}/lock\n${identity}${more.join('')}${body}\n`,
    );
  };
  write();
  for (;;) {
    const port = await freePort();
    const child = spawn(
      'rsync',
      [
        '--daemon',
        '--no-detach',
        '--address=127.0.0.1',
        `--port=${port}`,
        `--config=${config}`,
        '--log-file=/dev/null',
      ],
      { stdio: 'ignore' },
    );
    if (!(await listens(port, child))) continue;
    return {
      port,
      url: (module, user) => `rsync://${user === undefined ? '' : `${user}@`}127.0.0.1:${port}/${module}`,
      configure: write,
      async stop() {
        await endChild(child);
        rmSync(directory, { recursive: true, force: true });
      },
    };
  }
}

/** A port nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function listens(port: number, child: ChildProcess): Promise<boolean> {
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    if (await isOpen(port)) return true;
    await new Promise((next) => setTimeout(next, 10));
  }
  await endChild(child);
  return false;
}
