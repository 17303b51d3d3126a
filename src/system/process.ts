import { readFileSync } from 'node:fs';

/** Identifies this boot of the kernel; a process id means nothing without it. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/**
 * Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)), or null when there is no such
 * process or it is a zombie. With the pid it names one process for ever.
 */
export function processStart(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The command name may hold blanks and parentheses: fields count from behind the last ")".
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : Number(fields[19]);
}
