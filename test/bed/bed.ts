import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  rmdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Why a bed cannot be made here, or null. */
export const noBed: string | null =
  process.getuid?.() !== 0
    ? 'needs root'
    : !existsSync('/lib/systemd/systemd') || !existsSync('/usr/bin/dbus-daemon')
      ? 'needs systemd and dbus'
      : null;

export interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running system; see bed.sh. */
export interface Bed {
  /** Its root directory, as a path of this machine: files can be read and written through it. */
  readonly root: string;
  /** Runs a command inside, as root. */
  run(...argv: string[]): Answer;
  /** Runs a command inside that must succeed, and returns what it printed. */
  must(...argv: string[]): string;
  /** Ends every process of the bed and leaves nothing behind. */
  stop(): Promise<void>;
}

/** Boots a bed; throws with its console when systemd does not come up. */
export async function bootBed(): Promise<Bed> {
  const directory = mkdtempSync(join(tmpdir(), 'mirror-bed-'));
  const console = openSync(join(directory, 'console'), 'w');
  const outer = spawn(join(import.meta.dirname, 'bed.sh'), [directory], {
    stdio: ['ignore', console, console],
  });
  closeSync(console);
  const exited = new Promise<void>((resolve) => outer.once('exit', () => resolve()));
  let init: number | null = null;

  const stop = async (): Promise<void> => {
    // The pid is ours as long as `unshare`, its parent and our child, has not been reaped: it outlives its child.
    if (outer.exitCode === null && outer.signalCode === null) {
      if (init === null) outer.kill('SIGKILL');
      else process.kill(init, 'SIGKILL');
    }
    await exited;
    await removeCgroup(directory);
    rmSync(directory, { recursive: true, force: true });
  };

  try {
    for (let tries = 0; init === null || !isUp(init); tries += 1) {
      if (outer.exitCode !== null || tries > 600) throw new Error('the bed did not come up');
      await sleep(50);
      init ??= onlyChild(outer.pid);
    }
    const bed = bedOf(init, stop);
    const state = bed.run('systemctl', 'is-system-running', '--wait').stdout.trim();
    if (state !== 'running')
      throw new Error(`the bed is ${state}: ${bed.run('systemctl', '--failed', '--plain').stdout}`);
    return bed;
  } catch (error) {
    const log = readFileSync(join(directory, 'console'), 'utf8');
    await stop();
    throw new Error(`${(error as Error).message}\n${log}`, { cause: error });
  }
}

function bedOf(init: number, stop: () => Promise<void>): Bed {
  const enter = [
    '--target',
    String(init),
    '--mount',
    '--uts',
    '--ipc',
    '--net',
    '--pid',
    '--cgroup',
    '--wdns=/',
    '--',
  ];
  const run = (...argv: string[]): Answer =>
    spawnSync('nsenter', [...enter, ...argv], {
      encoding: 'utf8',
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        LC_ALL: 'C.UTF-8',
      },
    });
  return {
    root: `/proc/${init}/root`,
    run,
    must: (...argv) => {
      const { status, stdout, stderr } = run(...argv);
      if (status !== 0) throw new Error(`${argv.join(' ')}: exit ${String(status)}\n${stdout}${stderr}`);
      return stdout;
    },
    stop,
  };
}

/** systemd has taken over and listens. */
function isUp(init: number): boolean {
  try {
    return (
      readlinkSync(`/proc/${init}/exe`).endsWith('/systemd') &&
      existsSync(`/proc/${init}/root/run/systemd/private`)
    );
  } catch {
    return false;
  }
}

function onlyChild(pid: number | undefined): number | null {
  try {
    const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').trim();
    // Before `unshare`, the script itself has short-lived children.
    const isUnshare = readFileSync(`/proc/${String(pid)}/comm`, 'utf8').trim() === 'unshare';
    return isUnshare && /^\d+$/.test(children) ? Number(children) : null;
  } catch {
    return null;
  }
}

/** The kernel empties the cgroup a moment after its last process is gone. */
async function removeCgroup(directory: string): Promise<void> {
  const record = join(directory, 'cgroup');
  const cgroup = existsSync(record) ? readFileSync(record, 'utf8').trim() : '';
  for (let tries = 0; tries < 50 && cgroup !== '' && existsSync(cgroup); tries += 1) {
    try {
      removeTree(cgroup);
    } catch {
      await sleep(50);
    }
  }
}

/** A cgroup's files cannot be removed, its directories can. */
function removeTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  }
  rmdirSync(directory);
}
