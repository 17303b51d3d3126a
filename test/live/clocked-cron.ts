import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bed } from '../bed/bed.js';
import { readClock, setClock } from './clocked.js';

const HOUR = 3_600_000;
const UNIT = 'clocked-cron.service';
const SHIM = '/opt/clock.so';

/** Debian's cron in a bed, whose hours pass when the test says so; what it starts lives in the machine's time. */
export interface ClockedCron {
  /** Lets an hour pass: cron starts each hourly line once. Returns when cron has seen it, not when the runs are over. */
  anHour(): Promise<void>;
  /** Waits until nothing that cron started is at work. */
  settled(): Promise<void>;
  /** Kills cron and everything that it started, as a power failure would. */
  kill(): void;
  start(): void;
}

/** Starts it, at the present time. */
export function clockedCron(bed: Bed): ClockedCron {
  mkdirSync(join(bed.root, 'opt'), { recursive: true });
  const source = join(import.meta.dirname, '../bed/clock.c');
  execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', join(bed.root, SHIM), source]);
  const clock = join(bed.root, 'run/bed-clock');
  let now = Math.floor(Date.now() / 60_000) * 60_000 + 1000;
  setClock(clock, now, now);
  const start = (): void => {
    const environment = [`--setenv=LD_PRELOAD=${SHIM}`, '--setenv=BED_CLOCK=on'];
    bed.must('systemd-run', '--quiet', `--unit=${UNIT}`, ...environment, 'cron', '-f');
  };
  start();
  return {
    anHour: async () => {
      now += HOUR;
      setClock(clock, readClock(clock), now);
      for (let tries = 0; readClock(clock) < now; tries += 1) {
        if (tries > 400) throw new Error('cron does not wake');
        await sleep(50);
      }
    },
    settled: async () => {
      const main = bed.must('systemctl', 'show', UNIT, '--value', '--property=MainPID').trim();
      const children = join(bed.root, `proc/${main}/task/${main}/children`);
      for (let tries = 0; readFileSync(children, 'utf8').trim() !== ''; tries += 1) {
        if (tries > 400) throw new Error('cron’s jobs do not end');
        await sleep(50);
      }
    },
    kill: () => {
      bed.run('systemctl', 'kill', '--signal=KILL', UNIT);
      bed.run('systemctl', 'stop', UNIT);
      bed.run('systemctl', 'reset-failed', UNIT);
    },
    start,
  };
}
