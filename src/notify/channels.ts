import { spawn } from 'node:child_process';
import type { NotifyRule } from '../job/site-file.js';
import type { Channel } from '../state/incident.js';
import { environment, mail, type Message } from './message.js';

/** Milliseconds for one channel to take one message. */
const PATIENCE = 30_000;

/** Variables that a program needs to find others; the rest of our environment is not its business. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'TZ'];

/** Where a message goes; `webhook` is the URL itself, or why it cannot be had. */
export interface Targets {
  readonly rule: NotifyRule;
  readonly webhook: { readonly url: string } | { readonly problem: string };
  readonly patience?: number;
}

/** Sends one message through one channel. Null when it was taken, else why not, without a secret. Never throws. */
export async function send(channel: Channel, message: Message, targets: Targets): Promise<string | null> {
  const { rule, webhook, patience = PATIENCE } = targets;
  switch (channel) {
    case 'command': {
      const json = `${JSON.stringify(message)}\n`;
      return rule.command === null ? null : program(rule.command, json, environment(message), patience);
    }
    case 'mail': {
      if (rule.mail === null) return null;
      // -i: a line with a dot does not end the mail. The address is an argument, not read from the header.
      const argv = [rule.sendmail, '-i', '--', rule.mail];
      return program(argv, mail(message, rule.mail, Date.now()), {}, patience);
    }
    case 'webhook':
      return 'problem' in webhook ? webhook.problem : post(webhook.url, message, patience);
  }
}

function program(
  [file = '', ...args]: readonly string[],
  input: string,
  env: Readonly<Record<string, string>>,
  patience: number,
): Promise<string | null> {
  return new Promise((done) => {
    const child = spawn(file, args, {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...ownEnvironment(), ...env },
      // A group of its own, so that whatever it starts can be ended with it.
      detached: true,
    });
    const late = setTimeout(() => {
      endGroup(child.pid);
      done(`${file}: not done after ${String(patience / 1000)} s`);
    }, patience);
    child.on('error', (error) => {
      clearTimeout(late);
      done(`${file}: ${error.message}`);
    });
    // Its end, not its output's: what it leaves running is its own business.
    child.on('exit', (code, signal) => {
      clearTimeout(late);
      done(code === 0 ? null : `${file}: ${signal ?? `exit ${String(code)}`}`);
    });
    // A program that does not read is no failure.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself this moment.
  }
}

async function post(url: string, message: Message, patience: number): Promise<string | null> {
  let host = 'the webhook';
  try {
    // Only the host is ever named: the rest of the URL is as good as a password.
    ({ host } = new URL(url));
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'mirror' },
      body: JSON.stringify(message),
      redirect: 'manual',
      signal: AbortSignal.timeout(patience),
    });
    await response.body?.cancel();
    return response.ok ? null : `${host}: HTTP ${String(response.status)}`;
  } catch (error) {
    return `${host}: ${causeOf(error)}`;
  }
}

function causeOf(error: unknown): string {
  const { name, cause } = error as Error & { cause?: NodeJS.ErrnoException };
  return name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? name);
}

function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((key) => {
      const value = process.env[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}
