import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
  /** Its root directory, as a path of this machine: files can be read and written through it. Another one after a reboot. */
  readonly root: string;
  /** Runs a command inside, as root. */
  readonly run: (...argv: string[]) => Answer;
  /** Runs a command inside that must succeed, and returns what it printed. */
  readonly must: (...argv: string[]) => string;
  /** Writes a file inside, and the directories above it. */
  readonly write: (path: string, content: string, mode?: number) => void;
  readonly read: (path: string) => string;
  readonly exists: (path: string) => boolean;
  /** Ends every process of the bed and leaves nothing behind. */
  stop(): Promise<void>;
}

/** A bed whose disk outlasts its boots. */
export interface LastingBed extends Bed {
  /** Ends this boot: `shutdown` as an operator would, `power cut` by killing everything at once. */
  turnOff(how: 'shutdown' | 'power cut'): Promise<void>;
  /** Boots again from the same disk; `uptime` is how many seconds old that boot already is. */
  turnOn(uptime?: number): Promise<void>;
}

/** Boots a bed; throws with its console when systemd does not come up. */
export async function bootBed(): Promise<Bed> {
  const boot = await bootOnce();
  return bedOf(
    () => boot.init,
    () => boot.kill(),
  );
}

/** Boots a bed that can be turned off and on again. */
export async function bootLastingBed(): Promise<LastingBed> {
  const disk = mkdtempSync('/dev/shm/mirror-bed-');
  const remove = (): void => rmSync(disk, { recursive: true, force: true });
  let boot: Boot;
  try {
    boot = await bootOnce(disk);
  } catch (error) {
    remove();
    throw error;
  }
  const stop = async (): Promise<void> => {
    await boot.kill();
    remove();
  };
  const bed = bedOf(() => boot.init, stop);
  return {
    ...bed,
    // A spread copies the value of a getter.
    get root() {
      return bed.root;
    },
    turnOff: (how) => (how === 'shutdown' ? boot.shutDown() : boot.kill()),
    turnOn: async (uptime = 0) => {
      boot = await bootOnce(disk, uptime);
    },
  };
}

/** One boot of a bed. */
interface Boot {
  /** Its PID 1, as a pid of this machine. */
  readonly init: number;
  shutDown(): Promise<void>;
  kill(): Promise<void>;
}

/** An hour after its boot a machine does nothing on account of it: no make-up for time spent down. */
const LONG_UP = 3600;

async function bootOnce(disk = '', uptime = LONG_UP): Promise<Boot> {
  const directory = mkdtempSync(join(tmpdir(), 'mirror-bed-'));
  const console = openSync(join(directory, 'console'), 'w');
  const outer = spawn(join(import.meta.dirname, 'bed.sh'), [directory, disk, String(uptime)], {
    stdio: ['ignore', console, console],
  });
  closeSync(console);
  const exited = new Promise<void>((resolve) => outer.once('exit', () => resolve()));
  let init: number | null = null;

  // The pid is ours as long as `unshare`, its parent and our child, has not been reaped: it outlives its child.
  const signal = (name: 'SIGKILL' | 'SIGRTMIN+4'): void => {
    if (outer.exitCode !== null || outer.signalCode !== null) return;
    if (init === null) outer.kill('SIGKILL');
    // Node knows no real-time signals by name; 38 is SIGRTMIN+4 (systemd(1): poweroff.target).
    else process.kill(init, name === 'SIGKILL' ? name : 38);
  };
  const gone = async (): Promise<void> => {
    await exited;
    await removeCgroup(directory);
    rmSync(directory, { recursive: true, force: true });
  };
  const kill = async (): Promise<void> => {
    signal('SIGKILL');
    await gone();
  };
  const shutDown = async (): Promise<void> => {
    signal('SIGRTMIN+4');
    const patience = setTimeout(() => signal('SIGKILL'), 60_000);
    await gone();
    clearTimeout(patience);
  };

  try {
    for (let tries = 0; init === null || !isUp(init); tries += 1) {
      if (outer.exitCode !== null || tries > 600) throw new Error('the bed did not come up');
      await sleep(50);
      init ??= onlyChild(outer.pid);
    }
    const pid = init;
    const { run } = bedOf(() => pid, kill);
    for (let tries = 0; run('systemctl', 'is-active', 'multi-user.target').status !== 0; tries += 1) {
      if (tries > 600) throw new Error('the bed does not get through its boot');
      await sleep(50);
    }
    const failed = run('systemctl', '--failed', '--plain', '--no-legend').stdout;
    if (failed !== '') throw new Error(`the bed boots, but not whole: ${failed}`);
    return { init: pid, shutDown, kill };
  } catch (error) {
    const log = readFileSync(join(directory, 'console'), 'utf8');
    await kill();
    throw new Error(`${(error as Error).message}\n${log}`, { cause: error });
  }
}

function bedOf(init: () => number, stop: () => Promise<void>): Bed {
  const namespaces = ['mount', 'uts', 'ipc', 'net', 'pid', 'cgroup', 'time'].map((name) => `--${name}`);
  const run = (...argv: string[]): Answer =>
    spawnSync('nsenter', [`--target=${String(init())}`, ...namespaces, '--wdns=/', '--', ...argv], {
      encoding: 'utf8',
      timeout: 120_000,
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        LC_ALL: 'C.UTF-8',
      },
    });
  const at = (path: string): string => join(`/proc/${String(init())}/root`, path);
  return {
    get root() {
      return at('');
    },
    write: (path, content, mode = 0o644) => {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), content);
      chmodSync(at(path), mode);
    },
    read: (path) => readFileSync(at(path), 'utf8'),
    exists: (path) => existsSync(at(path)),
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
