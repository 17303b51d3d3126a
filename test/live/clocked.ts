import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Schedule } from '../../src/job/schedule.js';
import { bootBed, type Bed } from '../bed/bed.js';
import { installProgram, MIRROR } from '../bed/site.js';
import { siteConfig } from '../support/site-config.js';

const WAKE = '/opt/mirror/wake';
const SHIM = '/opt/mirror/clock.so';

/** Every time that a scheduler started `run --scheduled ID`, in epoch milliseconds of its clock. */
export interface Wakes {
  readonly of: ReadonlyMap<string, readonly number[]>;
  /** As the executor would read them. */
  readonly schedules: ReadonlyMap<string, Schedule>;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * What really was started in `span` of a jumping clock (test/bed/clock.c): the packages (their schedule keys by id) are
 * applied to a live system of their own that lives in `zone`, with a program that only notes the time in place of
 * `mirror run`.
 */
export async function wakesIn(
  scheduler: 'systemd' | 'crontab',
  packages: object,
  span: Span,
  zone: string,
): Promise<Wakes> {
  const bed = await bootBed();
  try {
    install(bed, zone);
    const clock = join(bed.root, 'run/bed-clock');
    setClock(clock, span.from, span.from);
    if (scheduler === 'systemd') giveClockToSystemd(bed);
    apply(bed, scheduler, packages, zone);
    if (scheduler === 'crontab') startCron(bed);
    setClock(clock, span.from, span.to);
    await reach(clock, span.to);
    // What was started last may still write.
    await sleep(300);
    return read(bed);
  } finally {
    await bed.stop();
  }
}

function install(bed: Bed, zone: string): void {
  mkdirSync(join(bed.root, 'opt/mirror'), { recursive: true });
  installProgram(bed);
  const source = (name: string): string => join(import.meta.dirname, '../bed', name);
  execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', join(bed.root, SHIM), source('clock.c')]);
  execFileSync('gcc', ['-O2', '-o', join(bed.root, WAKE), source('wake.c')]);
  writeFileSync(join(bed.root, 'run/bed-wakes'), '');
  chmodSync(join(bed.root, 'run/bed-wakes'), 0o666);
  rmSync(join(bed.root, 'etc/localtime'), { force: true });
  symlinkSync(`/usr/share/zoneinfo/${zone}`, join(bed.root, 'etc/localtime'));
}

/** PID 1 takes the shim with it when it executes itself anew; nothing else gets it. */
function giveClockToSystemd(bed: Bed): void {
  const preload = join(bed.root, 'etc/ld.so.preload');
  writeFileSync(preload, `${SHIM}\n`);
  try {
    bed.must('systemctl', 'daemon-reexec');
  } finally {
    rmSync(preload);
  }
  if (!readFileSync(join(bed.root, 'proc/1/maps'), 'utf8').includes(SHIM))
    throw new Error('systemd did not take the clock');
}

function apply(bed: Bed, scheduler: string, packages: object, zone: string): void {
  const entries = Object.entries(packages as Record<string, object>).map(
    ([id, schedule]): [string, object] => [
      id,
      {
        name: id,
        id,
        href: `/${id}`,
        synctype: 'command',
        syncrate: '',
        sandbox: 'off',
        settings: { hidden: false, src: '', dst: `/srv/ftp/${id}`, options: { command: ['true'] } },
        ...schedule,
      },
    ],
  );
  const settings = { scheduler, executable: WAKE, uid: 'mirror', gid: 'mirror', localtimezone: zone };
  const config = siteConfig(Object.fromEntries(entries), settings);
  mkdirSync(join(bed.root, 'srv/ftp'), { recursive: true });
  bed.write('/etc/mirror/config.json', JSON.stringify(config));
  bed.must(MIRROR, 'setup');
  if (scheduler === 'systemd') lighten(bed);
  bed.must(MIRROR, 'apply');
  // The tick is no package, and would be started more often than any.
  if (scheduler === 'systemd') bed.must('systemctl', 'stop', 'mirror-tick.timer');
  else bed.must('sed', '-i', '/ publish$/d', '/etc/cron.d/mirror');
}

/** What makes a start slow and has nothing to do with its time: who runs it, what is done afterwards, the journal. */
function lighten(bed: Bed): void {
  const directory = join(bed.root, 'etc/systemd/system/mirror-sync-.service.d');
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, 'light.conf'),
    '[Service]\nUser=\nGroup=\nSupplementaryGroups=\nExecStopPost=\n',
  );
  bed.must('systemctl', 'log-level', 'err');
}

function startCron(bed: Bed): void {
  // As for systemd: no sessions and no log.
  writeFileSync(
    join(bed.root, 'etc/pam.d/cron'),
    ['auth', 'account', 'session'].map((what) => `${what} required pam_permit.so\n`).join(''),
  );
  bed.must(
    'systemd-run',
    '--quiet',
    '--unit=clocked-cron',
    `--setenv=LD_PRELOAD=${SHIM}`,
    '--setenv=BED_CLOCK=wait',
    'cron',
    '-f',
    '-L',
    '0',
  );
}

/** Sets the clock of a bed (its file) and where it stops; epoch milliseconds. */
export function setClock(path: string, now: number, end: number): void {
  // In place and in one write: it is mapped by those whose clock it is.
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
  writeSync(file, new BigInt64Array([BigInt(now) * 1_000_000n, BigInt(end) * 1_000_000n]));
  closeSync(file);
}

/** What the clock of a bed says, in epoch milliseconds. */
export function readClock(path: string): number {
  return Number(readFileSync(path).readBigInt64LE() / 1_000_000n);
}

async function reach(path: string, end: number): Promise<void> {
  let seen = 0;
  for (let still = 0; seen < end; still += 1) {
    await sleep(50);
    const at = readClock(path);
    if (at > seen) still = 0;
    if (still > 400) throw new Error(`the clock stands still at ${new Date(at).toISOString()}`);
    seen = at;
  }
}

function read(bed: Bed): Wakes {
  const of = new Map<string, number[]>();
  for (const line of readFileSync(join(bed.root, 'run/bed-wakes'), 'utf8').trim().split('\n')) {
    const [id = '', at] = line.split(' ');
    of.set(id, [...(of.get(id) ?? []), Number(at)]);
  }
  const jobs = join(bed.root, 'etc/mirror/compiled/jobs');
  const schedules = readdirSync(jobs).map((name) => {
    const job = JSON.parse(readFileSync(join(jobs, name), 'utf8')) as { id: string; schedule: Schedule };
    return [job.id, job.schedule] as const;
  });
  return { of, schedules: new Map(schedules) };
}
