import type { Outcome } from '../job/outcome.js';
import { troubleOutcome } from './session.js';
import type { Interruption } from './signals.js';

/** Milliseconds between SIGTERM and SIGKILL for a tool that must end. */
const GRACE = 10_000;
/** Milliseconds that a tool runs before it is looked at; most are over by then. */
const UNSEEN_MS = 2000;
/** Milliseconds to wait for the rest of a killed group; what init is slow to reap still counts as there. */
const REAP = 500;

export interface ToolCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Written to stdin, which is then closed; null: no input at all. */
  readonly input: string | null;
  /** Descriptor that gets stdout and stderr: the tool writes its log itself, which costs us nothing. */
  readonly output: number;
  /** Locks that must live as long as the tool does. */
  readonly locks: readonly number[];
}

export interface Watch {
  /** Epoch ms at which the tool is ended. */
  readonly deadline: number;
  /** Returns what looks at the tool from then on; called once, when the group has run for `UNSEEN_MS`. */
  readonly oversee: (group: number) => Promise<Overseer>;
  readonly interruption: Interruption;
}

/** Looks at a running tool now and then. */
export interface Overseer {
  /** How the tool's step ends, whose tool must end now; null: go on. */
  look(): Outcome | null;
  /** Milliseconds until the next look. */
  pauseMs(): number;
}

/** How a tool ended: by itself, or because of us. */
export type ToolEnd =
  | { readonly kind: 'exit'; readonly exit: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'overseen'; readonly outcome: Outcome }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'not-started'; readonly reason: string };

/**
 * Runs a tool in a process group of its own, calls `started` with that group, and waits for its end. Deadline, overseer and
 * the first signal send the group SIGTERM and, after a grace period, SIGKILL; a second signal kills at once.
 */
export function runTool(
  command: ToolCommand,
  watch: Watch,
  started: (group: number) => void,
): Promise<ToolEnd> {
  const [program = '', ...args] = command.argv;
  const { output } = command;
  const { spawn } = process.getBuiltinModule('node:child_process');
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: command.cwd,
      env: command.env,
      detached: true,
      stdio: [command.input === null ? 'ignore' : 'pipe', output, output, ...command.locks],
    });
    const group = child.pid;
    if (group === undefined) {
      child.on('error', (error) =>
        done({ kind: 'not-started', reason: `cannot start ${program}: ${error.message}` }),
      );
      return;
    }
    let forced: ToolEnd | null = null;
    let kill: NodeJS.Timeout | undefined;
    const end = (why: ToolEnd): void => {
      if (forced !== null || over) return;
      forced = why;
      signalGroup(group, 'SIGTERM');
      kill = setTimeout(() => signalGroup(group, 'SIGKILL'), GRACE);
    };
    const unsubscribe = watch.interruption.subscribe((count) => {
      end({ kind: 'interrupted' });
      if (count > 1) signalGroup(group, 'SIGKILL');
    });
    let overseer: Overseer | null = null;
    let over = false;
    const look = async (): Promise<void> => {
      if (Date.now() >= watch.deadline) {
        end({ kind: 'timed-out' });
        return;
      }
      overseer ??= await watch.oversee(group);
      const outcome = overseer.look();
      if (outcome !== null) end({ kind: 'overseen', outcome });
      else if (!over) later(overseer.pauseMs());
    };
    let timer: NodeJS.Timeout;
    const later = (pauseMs: number): void => {
      timer = setTimeout(
        () => {
          look().catch((error: unknown) => end({ kind: 'overseen', outcome: troubleOutcome(error) }));
        },
        Math.min(pauseMs, watch.deadline - Date.now()),
      );
    };
    later(UNSEEN_MS);
    child.on('exit', (exit, signal) => {
      over = true;
      clearTimeout(timer);
      clearTimeout(kill);
      unsubscribe();
      void reap(group).then(() => done(forced ?? { kind: 'exit', exit, signal }));
    });
    // A tool that ends without reading its input is no error of ours.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(command.input);
    if (watch.interruption.signal !== null) end({ kind: 'interrupted' });
    started(group);
  });
}

/** Sends a signal to a whole group; false when it is gone. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * Ends what is left of a group whose leader has ended, as a unit's end does, and waits until it is gone: it holds the
 * run's lock.
 */
async function reap(group: number): Promise<void> {
  for (let waited = 0; waited < REAP && signalGroup(group, 'SIGKILL'); waited += 20) {
    await new Promise((next) => setTimeout(next, 20));
  }
}
