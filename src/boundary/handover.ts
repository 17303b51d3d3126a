import { spawn, spawnSync } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { commandAs, type Account } from './as-user.js';
import { ASKED_BY_VARIABLE, HANDOVER_VARIABLE, type Provision } from './root-service.js';

/** The child's descriptor of the channel; 0 to 2 are the caller's. */
const CHANNEL = 3;

/** Milliseconds between SIGTERM and SIGKILL: the executor kills its tool after 10 s, and then writes its state. */
const GRACE_MS = 60_000;

/** What a shell adds to 128; loading node:os for its table costs every start. */
const NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/** A command that root hands over. */
export interface Handover {
  readonly account: Account;
  /** Words after the program's name: `['hold', 'debian']`. */
  readonly words: readonly string[];
  readonly secrets?: Provision['secrets'];
  /** Who called the command. */
  readonly by: string;
  /** Print nothing of what the child prints on stdout. */
  readonly quiet?: boolean;
  /** Carries out an order of the child's (see `askRoot`); null when done, else what went wrong. Believes nothing. */
  readonly obey: (order: string) => Promise<string | null>;
}

/**
 * Runs a command of this program as another user, because root must not name paths that this user could have made. Root
 * stays behind: it passes signals on, kills a child that does not obey them, and does what only root may do. Resolves with
 * the child's exit code. Throws UnknownAccount.
 */
export async function handOver({ account, words, secrets = {}, by, quiet, obey }: Handover): Promise<number> {
  const [entry = ''] = process.argv.slice(1);
  const [program = '', ...args] = commandAs(account, [process.execPath, entry, ...words]);
  const child = spawn(program, args, {
    env: {
      ...process.env,
      ...homeOf(account),
      [HANDOVER_VARIABLE]: String(CHANNEL),
      [ASKED_BY_VARIABLE]: by,
    },
    stdio: ['inherit', quiet === true ? 'ignore' : 'inherit', 'inherit', 'pipe'],
  });
  const channel = child.stdio[CHANNEL] as Duplex | null;
  if (channel) serve(channel, { secrets }, obey);
  const stopPassing = passSignals((signal) => child.kill(signal));
  try {
    return await new Promise<number>((done, fail) => {
      child.on('error', fail);
      child.on('exit', (code, signal) => done(code ?? 128 + (NUMBERS[signal ?? 'SIGKILL'] ?? 9)));
    });
  } finally {
    stopPassing();
    channel?.destroy();
  }
}

/** Answers the child's orders one after the other. */
function serve(channel: Duplex, provision: Provision, obey: Handover['obey']): void {
  let said = '';
  let last: Promise<unknown> = Promise.resolve();
  channel.on('error', () => undefined);
  channel.setEncoding('utf8');
  channel.write(`${JSON.stringify(provision)}\n`);
  channel.on('data', (text: string) => {
    const lines = (said + text).split('\n');
    said = lines.pop() ?? '';
    // No order is as long as this.
    if (said.length > 4096) channel.destroy();
    for (const line of lines)
      last = last
        .then(() => obey(line))
        .catch((error: unknown) => (error as Error).message)
        .then((problem) => channel.write(`${problem === null ? 'ok' : problem.replaceAll('\n', ' ')}\n`));
  });
}

/** Passes on what ends a program. A terminal sends its interrupt to the child as well; SIGKILL follows a deaf ear. */
function passSignals(send: (signal: NodeJS.Signals) => void): () => void {
  let late: NodeJS.Timeout | undefined;
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
  const pass = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) send(signal);
    late ??= setTimeout(() => send('SIGKILL'), GRACE_MS);
  };
  for (const signal of signals) process.on(signal, pass);
  return () => {
    clearTimeout(late);
    for (const signal of signals) process.off(signal, pass);
  };
}

/** The environment that a login of the account would have. */
function homeOf({ user }: Account): NodeJS.ProcessEnv {
  const row = spawnSync('getent', ['passwd', '--', String(user)], { encoding: 'utf8' }).stdout.split(':');
  const [name, home] = [row[0] || String(user), row[5] || '/'];
  return { HOME: home, USER: name, LOGNAME: name };
}
