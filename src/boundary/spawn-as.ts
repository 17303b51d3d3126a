import { spawn, spawnSync } from 'node:child_process';
import type {
  ChildProcess,
  ChildProcessWithoutNullStreams,
  SpawnOptions,
  SpawnOptionsWithoutStdio,
} from 'node:child_process';
import { UnknownAccount, type Account } from './as-user.js';

/**
 * Puts a process into a session of its own, without root's terminal. Other processes of the account can ptrace it; in
 * root's session they could type into that terminal (TIOCSTI). spawnSync() takes this option as spawn() does.
 */
const OWN_SESSION = { detached: true };

/** Long enough for thousands of small files on a slow disk. */
const LIMIT_MS = 300_000;

/** What an answer may have: many times what the state half of the largest site says. */
const LIMIT_BYTES = 64 * 1024 * 1024;

/** How a program that was asked ended. */
export interface Asked {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts `argv` as an account, in a session of its own; null stands for this process's own user. This and `askAs` are the
 * only ways in which root starts anything as another user. Throws UnknownAccount; the child emits `error` if setpriv(1) is
 * missing.
 */
export function spawnAs(
  account: Account | null,
  argv: readonly string[],
  options: SpawnOptionsWithoutStdio,
): ChildProcessWithoutNullStreams;
export function spawnAs(
  account: Account | null,
  argv: readonly string[],
  options: SpawnOptions,
): ChildProcess;
export function spawnAs(
  account: Account | null,
  argv: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const [program = '', ...args] = account === null ? argv : commandAs(account, argv);
  return spawn(program, args, { ...options, ...(account !== null && OWN_SESSION) });
}

/**
 * Runs a program as an account, `input` on its stdin, and waits for its end. Other processes of that account can stop it,
 * and choose what it says: what comes back is bounded in time and size, and the caller believes only what parses. It ends
 * with this process. Throws when it cannot be started or exceeds a limit.
 */
export function askAs(account: Account, argv: readonly string[], input: string): Asked {
  // Set once it has become the user: a change of user clears it.
  const [file = '', ...args] = commandAs(account, ['setpriv', '--pdeathsig=KILL', '--', ...argv]);
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    input,
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: LIMIT_BYTES,
    ...OWN_SESSION,
  });
  if (error) throw error;
  return { code: status ?? 128, stdout, stderr };
}

/**
 * Returns the command that runs `argv` as an account, for a process with root's rights: setpriv(1) of util-linux, because
 * Node's own calls are refused by Debian 13's and Ubuntu 25.10's builds (setgroups, setgid and setuid throw there; see
 * CVE-2024-22017). The new process has no way back to root. Throws UnknownAccount.
 */
function commandAs(account: Account, argv: readonly string[]): string[] {
  const { user, group, shared_group: shared } = account;
  const groups = [...new Set([...groupsOf(user), String(shared ?? group)])].join(',');
  return ['setpriv', `--reuid=${user}`, `--regid=${group}`, `--groups=${groups}`, '--', ...argv];
}

/** The groups of a user in the system's database; a bare number without an account has none. */
function groupsOf(user: string | number): string[] {
  const { PATH } = process.env;
  const result = spawnSync('id', ['-G', '--', String(user)], { encoding: 'utf8', env: { PATH } });
  if (result.error) throw result.error;
  if (result.status === 0) return result.stdout.trim().split(' ');
  if (/^\d+$/.test(String(user))) return [];
  throw new UnknownAccount(`this machine has no user ${user}\n  help: create it: sudo mirror setup`);
}
