import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { CommandResult } from './system.js';

/** A command that root handed over kills its own child after 60 s. */
const KILL_AFTER_MS = 70_000;

/** Milliseconds for last words after the end: processes that the command left behind may keep its pipes open. */
const LAST_WORDS_MS = 1000;

/** What a command may say on each stream: many times what systemctl says of thousands of units. */
const LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * Runs a command and collects what it prints, without the newline at the end. Resolves soon after it has ended, or at most
 * 71 s after `limitMs`, whatever processes it left behind and whatever became of it: 127 stands for a command that cannot be
 * started, 128 for one that a signal ended. Never rejects.
 */
export function execute(argv: readonly string[], limitMs?: number): Promise<CommandResult> {
  return new Promise<CommandResult>((done) => {
    const [file = '', ...args] = argv;
    const env = { ...process.env, LC_ALL: 'C' };
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    const timers: NodeJS.Timeout[] = [];
    let [code, problem] = [128, ''];
    const fail = (what: string): void => {
      problem ||= what;
      child.kill('SIGKILL');
    };
    const stdout = collect(child.stdout, () => fail('it printed too much'));
    const stderr = collect(child.stderr, () => fail('it printed too much'));
    const finish = (): void => {
      timers.forEach(clearTimeout);
      leave(child);
      done({ code, stdout: stdout(), stderr: stderr() || problem });
    };
    if (limitMs !== undefined)
      timers.push(
        setTimeout(() => {
          problem = 'it did not end in time';
          child.kill();
        }, limitMs),
        setTimeout(() => child.kill('SIGKILL'), limitMs + KILL_AFTER_MS),
        // The kernel cannot kill what waits for a disk that does not answer.
        setTimeout(finish, limitMs + KILL_AFTER_MS + LAST_WORDS_MS),
      );
    child.on('error', (error) => {
      if (child.pid !== undefined) return;
      [code, problem] = [127, error.message];
      finish();
    });
    child.on('exit', (status) => {
      code = status ?? 128;
      timers.push(setTimeout(finish, LAST_WORDS_MS));
    });
    child.on('close', finish);
  }).catch((error: unknown) => ({ code: 127, stdout: '', stderr: (error as Error).message }));
}

/** Returns a function that tells what a stream has brought so far; calls `refuse` when it brings more than the limit. */
function collect(stream: Readable, refuse: () => void): () => string {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= LIMIT_BYTES) chunks.push(chunk);
    else refuse();
  });
  return () =>
    Buffer.concat(chunks)
      .toString('utf8')
      .replace(/\r?\n$/, '');
}

/** Neither its pipes nor the child itself keep this process from ending. */
function leave(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}
