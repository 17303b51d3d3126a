import { closeSync, fstatSync } from 'node:fs';
import { openToRead } from '../boundary/regular-file.js';
import { readOpened } from '../boundary/small-file.js';
import { ID, JOB_FORMAT } from '../job/job.js';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';

/** A job with many thousand patterns has some megabytes. */
const JOB_LIMIT_BYTES = 64 << 20;

/** A job that must not be run; `code` is the exit code (66 no such package, 77 not trusted, 78 another format). */
export class JobFileError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads `jobs/<id>.json`. Started as root it trusts only a file that root alone could have written, because the job says
 * what root runs. Throws JobFileError.
 */
export function readJob(layout: Layout, id: string): Job {
  // The id becomes a path: nothing but what the config allows as an id.
  if (!ID.test(id)) throw noSuchPackage(id);
  const path = layout.job(id);
  const text = readTrusted(path, id);
  let job: unknown;
  try {
    job = JSON.parse(text);
  } catch {
    throw new JobFileError(EXIT.config, `${path} is not a job; run \`mirror apply\``);
  }
  const format = (job as { format?: unknown } | null)?.format;
  if (format !== JOB_FORMAT) {
    throw new JobFileError(
      EXIT.config,
      `${path} has format ${JSON.stringify(format)}, this mirror needs ${JOB_FORMAT}; run \`mirror apply\``,
    );
  }
  return job as Job;
}

function readTrusted(path: string, id: string): string {
  let fd: number;
  try {
    fd = openToRead(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw noSuchPackage(id);
    throw new JobFileError(EXIT.noInput, `cannot read ${path}: ${(error as Error).message}`);
  }
  try {
    const stat = fstatSync(fd);
    if (process.getuid?.() === 0 && (stat.uid !== 0 || (stat.mode & 0o022) !== 0)) {
      throw new JobFileError(EXIT.needsPerson, `${path} can be written by others than root; not run as root`);
    }
    return readOpened(fd, path, JOB_LIMIT_BYTES, stat.size).toString('utf8');
  } finally {
    closeSync(fd);
  }
}

function noSuchPackage(id: string): JobFileError {
  return new JobFileError(EXIT.noInput, `no such package: ${id} (is it applied?)`);
}
