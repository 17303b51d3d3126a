import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ListChangesStep } from '../../job/list-step.js';
import { WrongList } from './changes.js';
import type { ListWork } from './changes.js';
import { readLine } from './entry.js';
import { latin1 } from './filter.js';
import type { ListFilter } from './filter.js';
import { Lines } from './lines.js';
import { PathSet } from './path-set.js';
import type { ListTotals } from './record.js';
import { PathWriter } from './writer.js';

/** Where rsync --delay-updates keeps new files until the end; what a killed one leaves there is nobody's. */
export const DELAYED = '.~tmp~';

/**
 * Everything that the lists name is transferred, so that rsync looks at each file's size and time, and whatever else is in
 * their directories is deleted. Throws WrongList.
 */
export function wholeOf(
  step: ListChangesStep,
  filter: ListFilter,
  dst: string,
  fetched: (file: string) => string,
): ListWork {
  const listed = new PathSet();
  const totals: Record<string, ListTotals> = {};
  const [transfer, checksums] = [
    new PathWriter(step.transfer, latin1(step.prefix)),
    new PathWriter(step.checksums),
  ];
  try {
    for (const { file, directory } of step.lists) {
      let [files, bytes] = [0, 0];
      const fd = openSync(fetched(file), 'r');
      try {
        for (const text of new Lines(fd)) {
          const line = readLine(text);
          if (line.kind === 'wrong') throw new WrongList(`${file} has lines that make no sense`);
          if (line.kind === 'checksum' && filter.wantsPath(directory + line.path)) {
            checksums.add(`${line.digest}\t${directory}${line.path}`);
          }
          if (line.kind !== 'entry' || !filter.wants(line, directory)) continue;
          listed.add(directory + line.path);
          transfer.add(directory + line.path);
          files += 1;
          if (line.type === 'file') bytes += line.size;
        }
      } finally {
        closeSync(fd);
      }
      if (files === 0) throw new WrongList(`${file} lists nothing that is wanted here`);
      totals[file] = { files, bytes };
    }
  } finally {
    transfer.close();
    checksums.close();
  }
  return { transfers: transfer.count, deletions: unlisted(step, dst, listed), totals };
}

/** Paths below the lists' directories that no list names. A symbolic link is never followed. */
function unlisted(step: ListChangesStep, dst: string, listed: PathSet): string[] {
  const own = new Set([...step.lists.map(({ file }) => file), ...step.extra].map(latin1));
  const found: string[] = [];
  const left = step.lists.map(({ directory }) => latin1(directory));
  for (let directory = left.pop(); directory !== undefined; directory = left.pop()) {
    for (const entry of entries(dst, directory)) {
      const path = directory + entry.name;
      if (own.has(path) || path === 'lost+found') continue;
      if (!listed.has(path)) found.push(path);
      // What lies in there goes with it, and was never published.
      if (entry.isDirectory() && entry.name !== DELAYED) left.push(`${path}/`);
    }
  }
  return found;
}

function entries(dst: string, directory: string): { name: string; isDirectory(): boolean }[] {
  try {
    const path = Buffer.from(join(latin1(dst), directory), 'latin1');
    return readdirSync(path, { withFileTypes: true, encoding: 'latin1' });
  } catch (error) {
    // The first pass makes it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
