import type { Account } from '../boundary/as-user.js';
import { spawnAs } from '../boundary/spawn-as.js';
import { EXIT } from '../job/outcome.js';

/** Seconds to wait for the lock: the holder of a daemon that was killed ends a moment after it. */
const WAIT_SECONDS = 3;

/** Milliseconds for an answer; a FIFO in the lock's place would never give one. */
const PATIENCE_MS = 10_000;

/** The daemon lock, which a process of the site's user holds: the file is that user's, so root must not open it. */
export interface HeldLock {
  /** Calls `hear` when the lock is lost before its release: its user killed the holder. */
  onLost(hear: () => void): void;
  release(): void;
}

/**
 * Has flock(1) take a lock for as long as this process lives, however it ends: cat(1), which holds the lock, reads its end
 * of a pipe. `account` is null when this process may open the file itself. Returns null when another process has the lock.
 * Throws UnknownAccount, or what flock says.
 */
export async function holdLock(path: string, account: Account | null): Promise<HeldLock | null> {
  const argv = ['flock', '-w', String(WAIT_SECONDS), '-E', String(EXIT.busy), path, 'cat'];
  const child = spawnAs(account, argv, { env: { PATH: process.env.PATH }, stdio: 'pipe' });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(0, 1000)));
  child.stdin.on('error', () => undefined);
  const ended = new Promise<number | null>((done, fail) => {
    child.on('error', fail);
    child.on('close', done);
  });
  // What cat gives back it got after flock had locked.
  const locked = new Promise<'locked'>((done) => child.stdout.once('data', () => done('locked')));
  child.stdin.write('\n');
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const answer = await Promise.race([locked, ended]).finally(() => clearTimeout(late));
  if (answer === EXIT.busy) return null;
  if (answer !== 'locked') throw new Error(said.trim() || `${path} cannot be locked`);
  return {
    onLost: (hear) => void ended.then(() => child.stdin.writableEnded || hear()),
    release: () => child.stdin.end(),
  };
}
