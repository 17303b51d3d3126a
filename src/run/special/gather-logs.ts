import { closeSync, fstatSync, readdirSync, writeFileSync } from 'node:fs';
import { readPart } from '../../boundary/small-file.js';
import { join } from 'node:path';
import { openToRead } from '../../boundary/regular-file.js';
import type { LogFile } from '../log-file.js';

/** Milliseconds by which a file system's clock may be behind ours. */
export const BEHIND = 50;

/**
 * Adds the log files that a tool wrote into a directory of its own since `since` (epoch ms) to the run's log, each under
 * its name, the one written last at the end: what a tool says of all of it comes after the details.
 */
export function gatherLogs(directory: string, log: LogFile, since: number): void {
  let names: string[] = [];
  try {
    names = readdirSync(directory);
  } catch {
    // The tool wrote none.
  }
  const files = names.flatMap((name) => written(join(directory, name), name) ?? []);
  files.sort((a, b) => a.time - b.time || (a.name < b.name ? -1 : 1));
  for (const { name, fd, time, size } of files) {
    try {
      if (size === 0 || time < since - BEHIND) continue;
      log.note('INFO', `${name}:`);
      copy(fd, log);
    } catch {
      // No room for it in the log: the run is not the worse for it.
    } finally {
      closeSync(fd);
    }
  }
}

interface Written {
  readonly name: string;
  readonly fd: number;
  /** When it was last written to, epoch ms. */
  readonly time: number;
  readonly size: number;
}

function written(path: string, name: string): Written | null {
  try {
    const fd = openToRead(path);
    const { mtimeMs, size } = fstatSync(fd);
    return { name, fd, time: mtimeMs, size };
  } catch {
    return null;
  }
}

/** In pieces: a first sync's list of files is larger than the memory that a run may have. */
function copy(from: number, log: LogFile): void {
  const buffer = Buffer.alloc(1 << 16);
  let last = 10;
  // What is beyond the log's limit only has to show that there is more.
  while (log.room() >= 0) {
    const read = readPart(from, buffer);
    if (read === 0) break;
    writeFileSync(log.fd, buffer.subarray(0, read));
    last = buffer[read - 1] ?? last;
  }
  if (last !== 10) writeFileSync(log.fd, '\n');
}
