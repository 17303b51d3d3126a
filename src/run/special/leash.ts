import { spawn } from 'node:child_process';
import type { Leash } from '../watchdog.js';

/**
 * Waits for the end of its input, which is ours alone: as long as it lasts, this process lives and $2 is its number. What
 * it is told are the groups of tools, the last of which counts; 0: no tool runs. The executor goes first: one that woke up
 * when its tool dies would write half of how that ended.
 */
const SCRIPT = `told=$(timeout "$1" cat)
[ $? -eq 124 ] || exit 0
for word in $told; do group=$word; done
kill -s KILL "$2"
[ "$group" -eq 0 ] || kill -s KILL -- "-$group"`;

/** Starts the process that kills this one, and the group of its `tool`, at `overdueAt` (epoch ms) if nothing lets it go. */
export function putOnLeash(overdueAt: number, tool: number): Leash {
  const seconds = Math.max(1, Math.ceil((overdueAt - Date.now()) / 1000));
  const child = spawn('sh', ['-c', SCRIPT, 'mirror-watchdog', String(seconds), String(process.pid)], {
    // A group of its own: what ends a terminal's group must not end what watches over it.
    detached: true,
    cwd: '/',
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const gone = new Promise<void>((done) => {
    child.on('exit', () => done());
    // Without it a run still has the limits of what started it.
    child.on('error', () => done());
  });
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${String(tool)}\n`);
  return {
    tool: (group) => void child.stdin.write(`${String(group)}\n`),
    letGo() {
      child.stdin.end();
      return gone;
    },
  };
}
