import { spawnSync, type ChildProcess } from 'node:child_process';
import type { Duplex, Stream } from 'node:stream';
import { EXIT } from '../job/outcome.js';
import type { Account } from './as-user.js';
import { ASKED_BY_VARIABLE, HANDOVER_VARIABLE, type Provision } from './root-service.js';
import { spawnAs } from './spawn-as.js';
import { copyOutput, describeTerminals, TERMINAL_VARIABLE, waitForCopies } from './terminal.js';

/** The child's descriptor of the channel; 0 to 2 are the caller's, `CONNECTION` is the next. */
const CHANNEL = 3;

/** Characters of an order; no order is as long as this. */
const LONGEST_ORDER = 4096;

/** Milliseconds between SIGTERM and SIGKILL: the executor kills its tool after 10 s, and then writes its state. */
const GRACE_MS = 60_000;

/** Milliseconds between looks at a child that has a limit. */
const TICK_MS = 500;

/** What a shell adds to 128; loading node:os for its table costs every start. */
const NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/** Carries out an order of a child's (see `askRoot`); null when done, else what is answered. Believes nothing. */
export type Obey = (order: string) => Promise<string | null>;

/** A command that root hands over. */
export interface Handover {
  /** Null: the child stays what this process is, which has no rights to protect. */
  readonly account: Account | null;
  /** Words after the program's name: `['hold', 'debian']`. */
  readonly words: readonly string[];
  readonly secrets?: Provision['secrets'];
  /** Who called the command. */
  readonly by: string;
  /** Print nothing of what the child prints on stdout. */
  readonly quiet?: boolean;
  readonly obey: Obey;
}

/** What a child is given beside its command. */
export interface Terms {
  /** Milliseconds after which the child is killed. */
  readonly limitMs?: number | undefined;
  /** Copy what it prints on stdout, also when that is not a terminal: a slow reader shows as a pause. */
  readonly isCopied?: boolean;
  /** Becomes the child's descriptor `CONNECTION`. */
  readonly connection?: Stream | undefined;
}

/** A child that did not end within its limit: another process of its user can stop it. `code` is the exit code. */
export class LateChild extends Error {
  readonly code = EXIT.timedOut;
}

/**
 * Runs a command of this program as another user, because root must not name paths that this user could have made. Root
 * stays behind: it passes signals on, kills a child that does not obey them, and does what only root may do. Resolves with
 * the child's exit code. Kills a child that outlives `limitMs`, and throws LateChild. Throws UnknownAccount.
 */
export async function handOver(handover: Handover, limitMs?: number): Promise<number> {
  const child = startAs(handover, { isCopied: limitMs !== undefined });
  const stopPassing = passSignals((signal) => sendSignal(child, signal));
  let limit: NodeJS.Timeout | undefined;
  try {
    return await new Promise<number>((done, fail) => {
      child.on('error', fail);
      child.on('exit', (code, signal) => {
        stopPassing();
        void waitForCopies(child).then(() => done(code ?? 128 + (NUMBERS[signal ?? 'SIGKILL'] ?? 9)));
      });
      let waitedMs = 0;
      if (limitMs !== undefined)
        limit = setInterval(() => {
          // A reader that takes its time (a pager) is not the child's delay.
          if (child.stdout?.isPaused() !== true) waitedMs += TICK_MS;
          if (waitedMs >= limitMs) fail(endLate(child, handover, limitMs));
        }, TICK_MS);
    });
  } finally {
    stopPassing();
    clearInterval(limit);
  }
}

/** Waits for the child no further: the kernel may not be able to kill it now (a disk that does not answer). */
function endLate(child: ChildProcess, { account }: Handover, limitMs: number): LateChild {
  child.kill('SIGKILL');
  child.unref();
  child.stdio.forEach((stream) => stream?.destroy());
  const user = account === null ? 'its user' : `user ${String(account.user)}`;
  const limit = `${String(limitMs / 1000)} s`;
  return new LateChild(
    `gave up after ${limit}: the process that works as ${user} did not end; a disk or another process of that user stops it`,
  );
}

/**
 * Starts a command of this program as another user, and serves its orders until it ends. The child's pid is the command's. As
 * another user the child has a session of its own, without the terminal, and root copies what it prints there: with a
 * descriptor of the terminal it could read what root types next. Nor does it get root's environment, which every process of
 * that user can read.
 * Throws UnknownAccount; the child emits `error` if setpriv(1) is missing.
 */
export function startAs(handover: Handover, { limitMs, isCopied = false, connection }: Terms): ChildProcess {
  const { account, words, secrets = {}, by, quiet, obey } = handover;
  const [entry = ''] = process.argv.slice(1);
  const output = (name: 'stdout' | 'stderr'): 'pipe' | 'inherit' =>
    account !== null && (process[name].isTTY || (isCopied && name === 'stdout')) ? 'pipe' : 'inherit';
  const child = spawnAs(account, [process.execPath, entry, ...words], {
    env: {
      ...(account === null
        ? process.env
        : { ...passedOn(process.env), ...homeOf(account), [TERMINAL_VARIABLE]: describeTerminals() }),
      [HANDOVER_VARIABLE]: `${String(CHANNEL)} ${String(process.pid)}`,
      [ASKED_BY_VARIABLE]: by,
    },
    stdio: [
      'ignore',
      quiet === true ? 'ignore' : output('stdout'),
      output('stderr'),
      'pipe',
      ...(connection ? [connection] : []),
    ],
    ...(limitMs !== undefined && { timeout: limitMs, killSignal: 'SIGKILL' }),
  });
  copyOutput(child, 'stdout');
  copyOutput(child, 'stderr');
  const channel = child.stdio[CHANNEL] as Duplex | null | undefined;
  if (channel) {
    // A child that ends before it has read everything is its own affair.
    serve(channel, { secrets }, obey).catch(() => undefined);
    child.once('exit', () => channel.destroy());
  }
  return child;
}

/** Answers the child's orders one after the other; it reads no further while one is carried out or an answer is unread. */
async function serve(channel: Duplex, provision: Provision, obey: Obey): Promise<void> {
  channel.on('error', () => undefined);
  channel.setEncoding('utf8');
  await say(channel, JSON.stringify(provision));
  let said = '';
  for await (const text of channel as AsyncIterable<string>) {
    const lines = (said + text).split('\n');
    said = lines.pop() ?? '';
    if (said.length > LONGEST_ORDER) return;
    for (const line of lines) {
      const problem = await obey(line).catch((error: unknown) => (error as Error).message);
      await say(channel, problem === null ? 'ok' : problem.replaceAll('\n', ' '));
    }
  }
}

/** Resolves when the child may be told more. */
async function say(channel: Duplex, line: string): Promise<void> {
  if (channel.write(`${line}\n`)) return;
  await new Promise<void>((done) => {
    channel.once('drain', done);
    channel.once('close', done);
  });
}

/** An interrupt is for all that the command started, as a terminal's would be; the child leads a group of its own. */
function sendSignal(child: ChildProcess, signal: NodeJS.Signals): void {
  if (signal === 'SIGINT' && child.pid !== undefined && child.exitCode === null && child.signalCode === null)
    process.kill(-child.pid, signal);
  else child.kill(signal);
}

/** Passes on what ends a program; SIGKILL follows a deaf ear. */
function passSignals(send: (signal: NodeJS.Signals) => void): () => void {
  let late: NodeJS.Timeout | undefined;
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
  const pass = (signal: NodeJS.Signals): void => {
    send(signal);
    late ??= setTimeout(() => send('SIGKILL'), GRACE_MS);
  };
  for (const signal of signals) process.on(signal, pass);
  return () => {
    clearTimeout(late);
    for (const signal of signals) process.off(signal, pass);
  };
}

/** What a command may know of its caller: how to print, whether a unit is around it, and what an ssh key asked for. */
const PASSED_ON =
  /^(PATH|LANG|LANGUAGE|LC_\w+|TZ|TERM|COLUMNS|NO_COLOR|FORCE_COLOR|INVOCATION_ID|JOURNAL_STREAM|SSH_ORIGINAL_COMMAND)$/;

function passedOn(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => PASSED_ON.test(name)));
}

/** The environment that a login of the account would have. */
function homeOf({ user }: Account): NodeJS.ProcessEnv {
  const { status, stdout } = spawnSync('getent', ['passwd', '--', String(user)], { encoding: 'utf8' });
  const row = status === 0 ? stdout.split(':') : [];
  const [name, home] = [row[0] || String(user), row[5] || '/'];
  return { HOME: home, USER: name, LOGNAME: name };
}
