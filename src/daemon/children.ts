import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { isRoot, isRootAccount, UnknownAccount, type Account } from '../boundary/as-user.js';
import { startAs, type Obey } from '../boundary/handover.js';
import type { Provision } from '../boundary/root-service.js';
import { EXIT } from '../job/outcome.js';
import type { Layout } from '../job/layout.js';
import { whoAsks } from '../run/who.js';

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of this program that the daemon started; a signal reaches it and never a process that got its number later. */
export interface Child {
  readonly pid: number | undefined;
  readonly ended: Promise<ChildEnd>;
  signal(name: NodeJS.Signals): void;
}

/** What a process of this program is to do. */
export interface Task {
  /** `['publish']`. */
  readonly words: readonly string[];
  /** Drop what it prints on stdout. */
  readonly quiet?: boolean;
  /** Milliseconds after which it is killed: one that hangs must not stay for ever. */
  readonly limitMs?: number;
}

/** A task that names paths which this account owns, and so is done with its rights. */
export interface UserTask extends Task {
  readonly account: Account;
  readonly secrets?: Provision['secrets'];
  /** What it may have the daemon do; see `orders.ts`. */
  readonly obey: Obey;
  /** A connection that it serves from now on. */
  readonly connection?: Socket;
}

/** Starts processes. Neither throws: what cannot be started has ended. */
export interface Starter {
  /** Whether the daemon has the right, and the duty, to do tasks as other users. */
  readonly canBecomeUsers: boolean;
  /** As the daemon's own user. */
  own(task: Task): Child;
  /** As the task's account if the daemon can become users, else as the daemon's own user. */
  asUser(task: UserTask): Child;
}

/** Starts this very program again; messages of the children go where the daemon's go. */
export function starterFor(layout: Layout): Starter {
  const by = whoAsks(process.env);
  const canBecomeUsers = layout.root === '' && isRoot();
  const withRoot = ([command = '', ...rest]: readonly string[]): string[] => [
    command,
    ...(layout.root === '' ? [] : ['--root', layout.root]),
    ...rest,
  ];
  return {
    canBecomeUsers,
    own({ words, quiet = false, limitMs: timeout }) {
      const [entry = ''] = process.argv.slice(1);
      const stdio = ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'] as const;
      const argv = [entry, ...withRoot(words)];
      return attempt(() => spawn(process.execPath, argv, { stdio: [...stdio], timeout }));
    },
    asUser({ account, words, limitMs, connection, ...rest }) {
      const as = canBecomeUsers && !isRootAccount(account) ? account : null;
      const terms = { limitMs, connection };
      return attempt(() => startAs({ account: as, words: withRoot(words), by, ...rest }, terms));
    },
  };
}

/** No room for a process, or no such user: the daemon goes on, and its next slot tries again. */
function attempt(start: () => ChildProcess): Child {
  try {
    return watch(start());
  } catch (error) {
    process.stderr.write(`mirror: ${(error as Error).message}\n`);
    const code = error instanceof UnknownAccount ? error.code : EXIT.io;
    return { pid: undefined, ended: Promise.resolve({ code, signal: null }), signal: () => undefined };
  }
}

function watch(child: ChildProcess): Child {
  return {
    pid: child.pid,
    ended: new Promise((done) => {
      child.on('error', (error) => {
        if (child.pid !== undefined) return;
        process.stderr.write(`mirror: cannot start ${child.spawnfile}: ${error.message}\n`);
        done({ code: 127, signal: null });
      });
      child.on('exit', (code, signal) => done({ code, signal }));
    }),
    signal: (name) => void child.kill(name),
  };
}

/** One child at a time for each name. */
export interface Children {
  /** Starts the child of `name`; while that name's last one still runs, right after it instead, once. */
  start(name: string): void;
  /** Those that live, by their names. */
  living(): ReadonlyMap<string, Child>;
}

/** `begin` starts a name's child, null when there is nothing to start any more; `ended` hears of each end. After `close` nothing starts. */
export function oneAtATime(
  begin: (name: string) => Child | null,
  ended: (name: string, end: ChildEnd) => void,
): Children & { close(): void } {
  const living = new Map<string, Child>();
  // A slot that comes while a run is busy with its last words: the executor looks whether it is still due.
  const again = new Set<string>();
  let closed = false;
  const start = (name: string): void => {
    if (closed) return;
    if (living.has(name)) {
      again.add(name);
      return;
    }
    const child = begin(name);
    if (child === null) return;
    living.set(name, child);
    void child.ended.then((end) => {
      living.delete(name);
      ended(name, end);
      if (again.delete(name)) start(name);
    });
  };
  return {
    start,
    living: () => new Map(living),
    close: () => {
      closed = true;
    },
  };
}
