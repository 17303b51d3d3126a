import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import type { Job } from '../job/job.js';
import { EXIT } from '../job/outcome.js';
import { refusedBySystem } from '../job/system-error.js';
import { toOneLine } from '../job/plain-text.js';
import { asctime } from './local-time.js';

export type Level = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';

/** Python's order, with the journal's priority (sd-daemon(3)) of each. */
const PRIORITY: Readonly<Record<Level, number>> = { DEBUG: 7, INFO: 6, WARNING: 4, ERROR: 3, CRITICAL: 2 };

/** Says something to whoever watches: the journal, cron's mail, a terminal. */
export type Say = (level: Level, message: string) => void;

/**
 * The executor's console on stderr. In the journal a line carries its priority and no time of its own; elsewhere it has
 * the site's `logger.packageformat`. Lines below `console_level` are left out.
 */
export function consoleFor(job: Job, env: NodeJS.ProcessEnv): Say {
  const journal = isJournal(env.JOURNAL_STREAM);
  return (level, message) => {
    if (!reaches(level, job.log.console_level)) return;
    const line = toOneLine(message);
    writeStderr(
      journal
        ? `<${PRIORITY[level]}>${job.id}: ${line}`
        : formatLine(job, job.log.console_format, level, line, Date.now()),
    );
  };
}

/** Whether a message is one of those that a level lets through; a level that nobody knows lets errors through. */
export function reaches(level: Level, least: string): boolean {
  return PRIORITY[level] <= ((PRIORITY[least as Level] as number | undefined) ?? PRIORITY.ERROR);
}

/** One plain line, whatever the message quotes, in Python's %-style with `{package}`; fields that we do not have stay as they are written. */
export function formatLine(job: Job, format: string, level: Level, message: string, now: number): string {
  const fields: Record<string, string> = {
    levelname: level,
    message: toOneLine(message),
    name: 'mirror',
    process: String(process.pid),
  };
  return format.replace(
    /\{package\}|%%|%\((\w+)\)(-?)(\d*)[sd]/g,
    (whole, name: string | undefined, minus: string, width: string) => {
      if (whole === '{package}') return job.id;
      if (name === undefined) return '%';
      const text = name === 'asctime' ? asctime(now, job.timezone) : (fields[name] ?? whole);
      return minus === '' ? text.padStart(Number(width)) : text.padEnd(Number(width));
    },
  );
}

/** A word of argv as a person can read it; not meant for a shell. */
export function shown(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : JSON.stringify(word);
}

/** Writes a line to stderr without loading Node's stream machinery; a closed stderr is nobody's problem. */
export function writeStderr(line: string): void {
  try {
    writeLine(2, line);
  } catch {
    // EPIPE, or EAGAIN of a full terminal: the log file has it.
  }
}

const opened: (number | undefined)[] = [];

/**
 * Writes a line to stdout (1) or stderr (2). A pipe that is full because its reader does not read keeps nobody waiting: the
 * write throws EAGAIN. Throws the system's error.
 */
export function writeLine(fd: 1 | 2, line: string): void {
  writeSync((opened[fd] ??= openWithoutWaiting(fd)), `${line}\n`);
}

/** A description of its own, because the one that we inherited is the caller's, too. */
function openWithoutWaiting(fd: number): number {
  try {
    const { O_WRONLY, O_NONBLOCK } = constants;
    return fstatSync(fd).isFIFO() ? openSync(`/proc/self/fd/${String(fd)}`, O_WRONLY | O_NONBLOCK) : fd;
  } catch {
    // Another user's pipe.
    return fd;
  }
}

/** Writes a text to stdout for whoever asked for it; resolves to 0, or to the exit code that says what became of it. */
export function print(text: string): Promise<number> {
  return new Promise((resolve) => {
    // Told below as well; without a listener it would end the process.
    process.stdout.once('error', () => undefined);
    process.stdout.write(`${text}\n`, (error) => resolve(error ? unprinted(error) : EXIT.ok));
  });
}

/** Says on stderr that stdout takes nothing, and returns the exit code. A reader that went away (`| head`) is no trouble. */
export function unprinted(error: Error): number {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.ok;
  writeStderr(`mirror: stdout: ${error.message}`);
  return refusedBySystem(error, EXIT.io)?.exit ?? EXIT.io;
}

/** systemd names the stream it made; a shell that was started by a service inherits the name, not the stream. */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(2);
  return stream === `${dev}:${ino}`;
}
