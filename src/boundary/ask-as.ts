import { commandAs, type Account } from './as-user.js';

/** How a program that was asked ended. */
export interface Asked {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Long enough for thousands of small files on a slow disk. */
const LIMIT_MS = 300_000;
const LIMIT_BYTES = 512 * 1024 * 1024;

/**
 * Runs a program as an account, `input` on its stdin, and waits for its end. Other processes of that account can stop it,
 * and choose what it says: what comes back is bounded in time and size, and the caller believes only what parses. It ends
 * with this process. Throws when it cannot be started or exceeds a limit.
 */
export function askAs(account: Account, argv: readonly string[], input: string): Asked {
  // Set once it has become the user: a change of user clears it.
  const [file = '', ...args] = commandAs(account, ['setpriv', '--pdeathsig=KILL', '--', ...argv]);
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    input,
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: LIMIT_BYTES,
  });
  if (error) throw error;
  return { code: status ?? 128, stdout, stderr };
}
