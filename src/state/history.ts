import { closeSync, constants, fchmodSync, fstatSync, writeFileSync } from 'node:fs';
import { openRegularFile, openToRead, UnfitFile } from '../boundary/regular-file.js';
import { readAt, readPart } from '../boundary/small-file.js';
import type { Layout } from '../job/layout.js';
import { naming, writeFileAtomic } from '../system/atomic.js';
import { unlessGone } from '../system/if-there.js';
import { isRunRecord, type RunRecord } from './package-state.js';
import { moveAside } from './record-file.js';

const KEEP_LINES = 1000;
/** A file above this is cut back; far above 1000 usual lines, so that cutting is rare. */
const CUT_ABOVE = 768 * 1024;
const CUT_TO = 384 * 1024;
/** What is read of a file, from its end: one that was not cut back was not written by `appendHistory` alone. */
export const HISTORY_LIMIT_BYTES = 2 * CUT_ABOVE;
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT;

/**
 * Adds one finished run to `history/<id>.jsonl`, in one write unless the system
 * takes only a part. Whatever else lies in its place is moved aside. Only for the
 * holder of the run lock.
 */
export function appendHistory(layout: Layout, id: string, record: RunRecord): void {
  const path = layout.historyFile(id);
  let fd: number;
  try {
    fd = openToAppend(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    // In a realm the site's user may have made the file: its user may replace it, but not write to it.
    const before = readEnd(path);
    const end = before === '' || before.endsWith('\n') ? '' : '\n';
    writeFileAtomic(path, cut(`${before}${end}${JSON.stringify(record)}\n`), 0o664);
    return;
  }
  let size: number;
  try {
    const stat = fstatSync(fd);
    size = stat.size;
    if ((stat.mode & 0o020) === 0 && stat.uid === process.getuid?.()) fchmodSync(fd, 0o664);
    const line = `${endsInsideLine(fd, size) ? '\n' : ''}${JSON.stringify(record)}\n`;
    naming(path, () => writeFileSync(fd, line));
  } finally {
    closeSync(fd);
  }
  if (size > CUT_ABOVE) writeFileAtomic(path, cut(readEnd(path)), 0o664);
}

/**
 * Finished runs, oldest first; lines that a power failure tore, or that are no runs, are left out. Throws UnfitFile when
 * something else lies in the file's place, or the system's error.
 */
export function readHistory(layout: Layout, id: string): RunRecord[] {
  return readEnd(layout.historyFile(id)).split('\n').flatMap(record).slice(-KEEP_LINES);
}

function openToAppend(path: string): number {
  try {
    return openRegularFile(path, APPEND, { mode: 0o664 });
  } catch (error) {
    if (!(error instanceof UnfitFile)) throw error;
    moveAside(path);
    return openRegularFile(path, APPEND, { mode: 0o664 });
  }
}

/** The last `HISTORY_LIMIT_BYTES` of the file as text; empty when there is none. */
function readEnd(path: string): string {
  const fd = unlessGone(() => openToRead(path));
  if (fd === null) return '';
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.allocUnsafe(Math.min(size, HISTORY_LIMIT_BYTES));
    return buffer.toString('utf8', 0, readAt(fd, buffer, size - buffer.length));
  } finally {
    closeSync(fd);
  }
}

/** A line cut short by a power failure must not swallow the one after it. */
function endsInsideLine(fd: number, size: number): boolean {
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readPart(fd, last, 0, size - 1);
  return last[0] !== 0x0a;
}

function cut(text: string): string {
  const lines = text.split('\n').slice(-KEEP_LINES - 1);
  let bytes = Buffer.byteLength(lines.join('\n'));
  while (bytes > CUT_TO && lines.length > 2) bytes -= Buffer.byteLength(lines.shift() ?? '') + 1;
  return lines.join('\n');
}

function record(line: string): RunRecord[] {
  try {
    const value = JSON.parse(line) as unknown;
    return isRunRecord(value) ? [value] : [];
  } catch {
    return [];
  }
}
