import { readFileSync } from 'node:fs';

/** Bytes a second below which an upstream is as good as silent, and how many times the limit it may be so. */
const TRICKLE = { rate: 64, times: 10 };

/** Clock ticks of CPU time that count as work: a tool that only waits uses less. */
const WORKING = 5;

/**
 * Returns what tells why a tool must end that waits for an upstream which has fallen silent, or null while it works. It
 * watches the processes of `program`, `first` and what that starts: for `seconds`, not one has read a byte, from upstream or elsewhere, or used the CPU,
 * or waited for a disk. rsync's own --timeout does not see this in the middle of a transfer, because the keep-alives that it
 * sends count as activity. What cannot be told (no /proc, another user's process) is no stall.
 */
export function watchForStall(program: string, first: number, seconds: number): () => string | null {
  let mark: Activity | null = null;
  let since = 0;
  let next = 0;
  const trickles = watchForTrickle(seconds);
  return () => {
    const now = Date.now();
    if (now < next) return null;
    // Often enough to be no more than a tenth too late.
    next = now + seconds * 100;
    const activity = activityOf(first, program);
    const trickle = trickles(activity, now);
    if (trickle !== null) return trickle;
    const still =
      activity !== null &&
      mark !== null &&
      !activity.disk &&
      activity.read === mark.read &&
      activity.ticks - mark.ticks < WORKING;
    if (!still) {
      mark = activity;
      since = now;
      return null;
    }
    if (now - since < seconds * 1000) return null;
    return `upstream has sent nothing for ${String(Math.round((now - since) / 1000))} s`;
  };
}

/**
 * The same for an upstream that sends a byte now and then, for ever: over ten times as long it has sent next to nothing. Returns
 * what looks at the activity at a time (epoch ms).
 */
function watchForTrickle(seconds: number): (activity: Activity | null, now: number) => string | null {
  const span = seconds * TRICKLE.times;
  let mark: Activity | null = null;
  let since = 0;
  return (activity, now) => {
    const slow =
      activity !== null &&
      mark !== null &&
      !activity.disk &&
      activity.read - mark.read < span * TRICKLE.rate &&
      activity.ticks - mark.ticks < WORKING;
    if (!slow) {
      mark = activity;
      since = now;
      return null;
    }
    if (now - since < span * 1000) return null;
    return `upstream has sent less than ${String(TRICKLE.rate)} bytes a second for ${String(Math.round((now - since) / 1000))} s`;
  };
}

interface Activity {
  /** Bytes that its processes have read in all. */
  readonly read: number;
  /** Clock ticks of CPU time. */
  readonly ticks: number;
  /** One of them waits for a disk now. */
  readonly disk: boolean;
}

/** A process and its descendants, those of another program left out (proc(5)); null when it cannot be told. */
function activityOf(pid: number, program: string): Activity | null {
  try {
    const text = (file: string): string => readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
    const stat = text('stat');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    let own = { read: 0, ticks: 0, disk: false };
    if (text('comm').trim() === program) {
      const read = Number(/^rchar: (\d+)$/m.exec(text('io'))?.[1] ?? NaN);
      own = { read, ticks: Number(fields[11]) + Number(fields[12]), disk: fields[0] === 'D' };
    }
    for (const child of text(`task/${String(pid)}/children`)
      .split(' ')
      .filter(Boolean)) {
      const activity = activityOf(Number(child), program);
      if (activity === null) return null;
      own = {
        read: own.read + activity.read,
        ticks: own.ticks + activity.ticks,
        disk: own.disk || activity.disk,
      };
    }
    return Number.isNaN(own.read) ? null : own;
  } catch {
    return null;
  }
}
