import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { endChild } from './child.js';
import { freePort } from './rsyncd.js';

const PROGRAM = '/usr/sbin/sshd';

/** Why there is no ssh server to test with, or null. */
export const noSshd = existsSync(PROGRAM) ? null : 'needs sshd';

export interface Sshd {
  readonly port: number;
  /** Who may log in with `key`: who runs the tests. */
  readonly user: string;
  /** A private key that is let in, and one that is not. */
  readonly key: string;
  readonly otherKey: string;
  /** known_hosts with the server's key, and one with another's. */
  readonly knownHosts: string;
  readonly otherHosts: string;
  /** What the server said so far. */
  log(): string;
  stop(): Promise<void>;
}

/** A real sshd on a free port of the loopback, that lets the tests' own user in by key. */
export async function startSshd(): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), 'mirror-sshd-'));
  const at = (name: string): string => join(directory, name);
  for (const name of ['host', 'key', 'other'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
  writeFileSync(at('authorized_keys'), readFileSync(at('key.pub')));
  // Where it gives up its privileges; its package makes it at boot.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const lines = [
    `Port ${String(port)}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('authorized_keys')}`,
    `PidFile ${at('pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'LogLevel VERBOSE',
  ];
  writeFileSync(at('config'), `${lines.join('\n')}\n`);
  const known = (name: string): string =>
    `[127.0.0.1]:${String(port)} ${readFileSync(at(`${name}.pub`), 'utf8')}`;
  writeFileSync(at('known_hosts'), known('host'));
  writeFileSync(at('other_hosts'), known('other'));
  const child = spawn(PROGRAM, ['-D', '-E', at('log'), '-f', at('config')], { stdio: 'ignore' });
  for (let tries = 0; !(await answers(port)); tries++) {
    if (child.exitCode !== null || tries > 500) throw new Error(`sshd: ${readFileSync(at('log'), 'utf8')}`);
    await new Promise((next) => setTimeout(next, 10));
  }
  return {
    port,
    user: userInfo().username,
    key: at('key'),
    otherKey: at('other'),
    knownHosts: at('known_hosts'),
    otherHosts: at('other_hosts'),
    log: () => readFileSync(at('log'), 'utf8'),
    async stop() {
      await endChild(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
