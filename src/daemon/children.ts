import { spawn } from 'node:child_process';

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of this program that the daemon started. */
export interface Child {
  readonly pid: number | undefined;
  readonly ended: Promise<ChildEnd>;
}

/** Starts `mirror ARGS`; `quiet` drops its stdout. */
export type Start = (args: readonly string[], quiet?: boolean) => Child;

/** Starts this very program again; its messages go where ours go. */
export const startMirror: Start = (args, quiet = false) => {
  const [entry = ''] = process.argv.slice(1);
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'],
  });
  return {
    pid: child.pid,
    ended: new Promise((done) => {
      child.on('error', () => done({ code: 127, signal: null }));
      child.on('exit', (code, signal) => done({ code, signal }));
    }),
  };
};

/** One child at a time for each name. */
export interface Children {
  /** Starts `mirror ARGS` for `name`; while that name's last one still runs, right after it instead, once. */
  start(name: string, args: readonly string[]): void;
  /** Process ids of those that live, by their names. */
  pids(): ReadonlyMap<string, number>;
}

/** `ended` hears of each end. After `close` nothing starts any more. */
export function children(
  start: Start,
  ended: (name: string, end: ChildEnd) => void,
): Children & { close(): void } {
  const living = new Map<string, Child>();
  // A slot that comes while a run is busy with its last words: the executor looks whether it is still due.
  const again = new Map<string, readonly string[]>();
  let closed = false;
  const begin = (name: string, args: readonly string[]): void => {
    if (closed) return;
    if (living.has(name)) {
      again.set(name, args);
      return;
    }
    const child = start(args);
    living.set(name, child);
    void child.ended.then((end) => {
      living.delete(name);
      ended(name, end);
      const next = again.get(name);
      again.delete(name);
      if (next) begin(name, next);
    });
  };
  return {
    start: begin,
    pids: () => new Map([...living].flatMap(([name, { pid }]) => (pid === undefined ? [] : [[name, pid]]))),
    close: () => {
      closed = true;
    },
  };
}
