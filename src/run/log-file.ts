import {
  chmodSync,
  closeSync,
  constants,
  createReadStream,
  createWriteStream,
  fstatSync,
  mkdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { openRegularFile, openToRead } from '../boundary/regular-file.js';
import { readAt } from '../boundary/small-file.js';
import type { Job, LogPlace } from '../job/job.js';
import { removeQuietly } from '../system/if-there.js';
import { formatLine } from './console.js';
import type { Level } from './console.js';
import { timeFields } from './local-time.js';

/** How much of a tool's output is looked at to tell how it ended. */
const TAIL = 256 * 1024;

/** Most bytes of a log where the job does not say. */
const LIMIT_BYTES = 2 ** 30;

/** Set-group-id and group-writable. */
const SHARED = 0o2020;

/** The log of one run: tools write to `fd` themselves, we add lines of our own. */
export interface LogFile {
  readonly path: string;
  readonly fd: number;
  /** Most bytes that it may have (`logger.max_size`). */
  readonly limitBytes: number;
  /** Adds a line in the site's format. */
  readonly note: (level: Level, message: string) => void;
  /** Why a line of ours is not there, or null. What a tool said may be lost as well then, and that decides how it ended. */
  readonly lost: () => NodeJS.ErrnoException | null;
  /** Bytes so far. */
  size(): number;
  /** Bytes that may follow within the limit of the job; negative when there are too many. */
  room(): number;
  /** What was written from byte `from` on; the end of it when that is much. */
  since(from: number): string;
  close(): void;
}

/** Opens the log of a run that starts at `at` (epoch ms with fractions). Throws the system's error. */
export function openLog(job: Job, at: number): LogFile {
  const path = logPath(job, at);
  shared(job.log.base, () => mkdirSync(dirname(path), { recursive: true }));
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT;
  const fd = openRegularFile(path, flags, { mode: 0o644 });
  const size = (): number => fstatSync(fd).size;
  const limitBytes = job.log.max_size ?? LIMIT_BYTES;
  let lost: NodeJS.ErrnoException | null = null;
  const note: LogFile['note'] = (level, message) => {
    try {
      writeFileSync(fd, `${formatLine(job, job.log.console_format, level, message, Date.now())}\n`);
    } catch (error) {
      lost = error as NodeJS.ErrnoException;
      lost.message += ` '${path}'`;
    }
  };
  return {
    path,
    fd,
    limitBytes,
    size,
    note,
    room: () => limitBytes - size(),
    lost: () => lost,
    since: (from) => readTail(fd, from, TAIL),
    close: () => closeSync(fd),
  };
}

/** The end of what a file has from byte `from` on, `mostBytes` of it at most. */
export function readTail(fd: number, from: number, mostBytes: number): string {
  const { size } = fstatSync(fd);
  const buffer = Buffer.alloc(Math.min(mostBytes, size - from));
  return buffer.toString('utf8', 0, readAt(fd, buffer, size - buffer.length));
}

/**
 * Makes a folder or file of logs. Where several users write below a base of set-group-id and group-writable mode, the one
 * who is there first must not lock the others out: what is made inherits the group, and the umask leaves it its write bit.
 * A chmod afterwards would be too late for a run of the same second, and its set-group-id bit is refused in the sandbox.
 */
export function shared<T>(base: string, make: () => T): T {
  const mode = statSync(base, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & SHARED) !== SHARED) return make();
  const umask = process.umask(0);
  process.umask(umask & ~0o070);
  try {
    return make();
  } finally {
    process.umask(umask);
  }
}

/** The path that `logger.packagefileformat` gives a run, in the site's time zone. */
export function logPath(job: Job, at: number): string {
  return filled(job.log, { ...timeFields(at, job.timezone), packageid: job.id });
}

/** The path of a log with these fields; others stay as they are written. */
export function filled(
  { base, folder, filename }: LogPlace,
  fields: Readonly<Record<string, string>>,
): string {
  return join(
    base,
    `${folder}/${filename}`.replace(/\{(\w+)\}/g, (whole, name: string) => fields[name] ?? whole),
  );
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
  removeQuietly(temporary);
  try {
    await pipeline(
      createReadStream(path, { fd: openToRead(path) }),
      createGzip(),
      createWriteStream(temporary, { flags: 'wx', mode: 0o644, flush: true }),
    );
    chmodSync(temporary, statSync(path).mode & 0o777);
    renameSync(temporary, `${path}.gz`);
    return `${path}.gz`;
  } catch {
    removeQuietly(temporary);
    return path;
  }
}
