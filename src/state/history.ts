import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import type { Layout } from '../job/layout.js';
import { naming, writeFileAtomic } from '../system/atomic.js';
import { readIfThere } from '../system/if-there.js';
import { isRunRecord, type RunRecord } from './package-state.js';

const KEEP_LINES = 1000;
/** A file above this is cut back; far above 1000 usual lines, so that cutting is rare. */
const CUT_ABOVE = 768 * 1024;
const CUT_TO = 384 * 1024;
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/** Adds one finished run to `history/<id>.jsonl`, in one write. Only for the holder of the run lock. */
export function appendHistory(layout: Layout, id: string, record: RunRecord): void {
  const path = layout.historyFile(id);
  let fd: number;
  try {
    // No symbolic links: the directory belongs to the mirror user, and root may be the one who appends.
    fd = openSync(path, APPEND, 0o664);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    // In a realm the site's user may have made the file: its user may replace it, but not write to it.
    const before = readIfThere(path) ?? '';
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
    naming(path, () => writeSync(fd, line));
  } finally {
    closeSync(fd);
  }
  if (size > CUT_ABOVE) writeFileAtomic(path, cut(readFileSync(path, 'utf8')), 0o664);
}

/** Finished runs, oldest first; lines that a power failure tore, or that are no runs, are left out. */
export function readHistory(layout: Layout, id: string): RunRecord[] {
  const text = readIfThere(layout.historyFile(id)) ?? '';
  return text.split('\n').flatMap(record).slice(-KEEP_LINES);
}

/** A line cut short by a power failure must not swallow the one after it. */
function endsInsideLine(fd: number, size: number): boolean {
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
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
