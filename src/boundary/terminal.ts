import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { isHandedOver } from './root-service.js';

/** Tells a process that root copies what it prints to a terminal: the width of the terminal, by name of the stream. */
export const TERMINAL_VARIABLE = 'MIRROR_TERMINAL';

type Name = 'stdout' | 'stderr';

/** Milliseconds between looks at what a child that has ended left unread, and how many of them wait for a writer. */
const LOOK_MS = 50;
const MOST_LOOKS = 20;

/** Returns the value of TERMINAL_VARIABLE for a child whose output this process copies. */
export function describeTerminals(): string {
  const names = (['stdout', 'stderr'] as const).filter((name) => process[name].isTTY);
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, process[name].columns])));
}

/** Prints for the terminal at the other end of root's copy, if there is one: its width, its colours, no control characters. */
export function printForCopiedTerminal(): void {
  const text = process.env[TERMINAL_VARIABLE];
  if (text === undefined || !isHandedOver()) return;
  const { WriteStream } = process.getBuiltinModule('node:tty');
  // It goes by the environment alone.
  const getColorDepth = (): number => WriteStream.prototype.getColorDepth();
  for (const [name, columns] of Object.entries(JSON.parse(text) as Partial<Record<Name, number>>))
    Object.assign(process[name as Name], { isTTY: true, columns, getColorDepth });
}

/**
 * Copies what a child prints to the same stream of this process until the child has ended. Processes that it left behind may keep
 * its end of the pipe open: what they write later is not copied.
 */
export function copyOutput(child: ChildProcess, name: Name): void {
  const from = child[name];
  if (from === null) return;
  from.on('data', (chunk: Buffer) => {
    if (process[name].write(chunk)) return;
    from.pause();
    process[name].once('drain', () => from.resume());
  });
  child.once('exit', () => closeWhenRead(from));
}

/** Resolves when nothing more is copied of what a child printed. */
export async function waitForCopies({ stdout, stderr }: ChildProcess): Promise<void> {
  for (const from of [stdout, stderr])
    if (from && !from.closed) await new Promise<void>((done) => void from.once('close', done));
}

/** Reads on while the child's last words come, or the terminal is slow to take them. */
function closeWhenRead(from: Readable): void {
  if (from.closed) return;
  let [hasNew, looks] = [true, 0];
  from.on('data', () => (hasNew = true));
  const timer = setInterval(() => {
    if (from.isPaused()) return;
    if (!hasNew || (looks += 1) > MOST_LOOKS) from.destroy();
    hasNew = false;
  }, LOOK_MS);
  from.once('close', () => clearInterval(timer));
}
