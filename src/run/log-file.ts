import {
  chmodSync,
  closeSync,
  constants,
  createReadStream,
  createWriteStream,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Job } from '../job/job.js';
import { removeQuietly } from '../system/if-there.js';
import { formatLine } from './console.js';
import type { Level } from './console.js';
import { timeFields } from './local-time.js';

/** How much of a tool's output is looked at to tell how it ended. */
const TAIL = 256 * 1024;

/** Set-group-id and group-writable. */
const SHARED = 0o2020;

/** The log of one run: tools write to `fd` themselves, we add lines of our own. */
export interface LogFile {
  readonly path: string;
  readonly fd: number;
  /** Adds a line in the site's format. A full log disk does not end the run. */
  note(level: Level, message: string): void;
  /** Bytes so far. */
  size(): number;
  /** What was written from byte `from` on; the end of it when that is much. */
  since(from: number): string;
  close(): void;
}

/** Opens the log of a run that starts at `at` (epoch ms with fractions). Throws the system's error. */
export function openLog(job: Job, at: number): LogFile {
  const path = logPath(job, at);
  makeFolder(dirname(path), job.log.base);
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = openSync(path, flags, 0o644);
  const size = (): number => fstatSync(fd).size;
  return {
    path,
    fd,
    size,
    note(level, message) {
      try {
        writeSync(fd, `${formatLine(job, level, message, Date.now())}\n`);
      } catch {
        // The state says how the run ended; the log is a convenience.
      }
    },
    since(from) {
      const end = size();
      const buffer = Buffer.alloc(Math.min(TAIL, end - from));
      const read = readSync(fd, buffer, 0, buffer.length, end - buffer.length);
      return buffer.toString('utf8', 0, read);
    },
    close: () => closeSync(fd),
  };
}

/**
 * Makes a log's folder. Where several users write below a base of set-group-id and group-writable mode, the one whose run
 * is the day's first must not lock the others out: the folders inherit the group, and the umask leaves it its write bit.
 * A chmod afterwards would be too late for a run of the same second, and its set-group-id bit is refused in the sandbox.
 */
function makeFolder(folder: string, base: string): void {
  if (existsSync(folder)) return;
  const mode = statSync(base, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & SHARED) !== SHARED) {
    mkdirSync(folder, { recursive: true });
    return;
  }
  const umask = process.umask(0);
  process.umask(umask & ~0o070);
  try {
    mkdirSync(folder, { recursive: true });
  } finally {
    process.umask(umask);
  }
}

/** The path that `logger.packagefileformat` gives a run, in the site's time zone. */
export function logPath(job: Job, at: number): string {
  const fields: Readonly<Record<string, string>> = { ...timeFields(at, job.timezone), packageid: job.id };
  const fill = (text: string): string =>
    text.replace(/\{(\w+)\}/g, (whole, name: string) => fields[name] ?? whole);
  return join(job.log.base, fill(job.log.folder), fill(job.log.filename));
}

/**
 * Makes `path.gz` beside a closed log and returns its name. The plain file stays until the state names the other one, so
 * that at no moment the state names a file that is not there. Returns `path` when there is no room for it.
 */
export async function compressLog(path: string): Promise<string> {
  const [{ createGzip }, { pipeline }] = await Promise.all([
    import('node:zlib'),
    import('node:stream/promises'),
  ]);
  const temporary = `${path}.gz.tmp`;
  try {
    await pipeline(
      createReadStream(path),
      createGzip(),
      createWriteStream(temporary, { mode: 0o644, flush: true }),
    );
    chmodSync(temporary, statSync(path).mode & 0o777);
    renameSync(temporary, `${path}.gz`);
    return `${path}.gz`;
  } catch {
    removeQuietly(temporary);
    return path;
  }
}
