import { closeSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openToRead } from '../../../boundary/regular-file.js';
import type { ListChangesStep } from '../../../job/list-step.js';
import { DELAYED_DIRECTORY, isNeverUpstream } from '../../../job/never-upstream.js';
import { rsyncPattern } from '../../../job/rsync-pattern.js';
import { unlessGone } from '../../../system/if-there.js';
import { WrongList } from './changes.js';
import type { ListWork } from './changes.js';
import { readLine } from './entry.js';
import type { Nested } from '../nested.js';
import type { ListFilter } from './filter.js';
import { Lines } from '../lines.js';
import { bytes, latin1 } from '../names.js';
import { PathSet } from './path-set.js';
import type { ListTotals } from './record.js';
import { PathWriter } from './writer.js';

/**
 * Everything is looked at: rsync walks the lists' directories and compares each file's size and time, what the lists name
 * must be there then, and whatever else is there is deleted. Not by --files-from: for each name that comes, rsync compares
 * it with all that it asked for, which takes minutes for some 100,000. Throws WrongList.
 */
export function wholeOf(
  step: ListChangesStep,
  filter: ListFilter,
  dst: string,
  fetched: (file: string) => string,
  nested: Nested,
): ListWork {
  const listed = new PathSet();
  const totals: Record<string, ListTotals> = {};
  const [unwanted, verify] = [new PathWriter(step.unwanted), new PathWriter(step.verify)];
  try {
    for (const { file, directory } of step.lists) {
      let [files, bytes, twice] = [0, 0, false];
      const fd = openToRead(fetched(file));
      try {
        for (const text of new Lines(fd)) {
          const line = readLine(text);
          if (line.kind === 'wrong') throw new WrongList(`${file} has lines that make no sense`);
          if (line.kind === 'checksum' && filter.wantsPath(directory + line.path)) {
            verify.add(`${line.digest}\t${directory}${line.path}`);
          }
          if (line.kind !== 'entry') continue;
          if (line.mark === 'closed' && !step.restricted) unwanted.add(rsyncPattern(directory + line.path));
          if (!filter.wants(line, directory)) continue;
          if (!listed.add(directory + line.path)) twice = true;
          // A link that points out of the tree is left out by rsync.
          if (line.type !== 'link') verify.add(`\t${directory}${line.path}`);
          files += 1;
          if (line.type === 'file') bytes += line.size;
        }
      } finally {
        closeSync(fd);
      }
      if (files === 0) throw new WrongList(`${file} lists nothing that is wanted here`);
      totals[file] = { files, bytes, twice };
    }
  } finally {
    // A name that stands for none: the file is there when nothing is unwanted, too.
    if (unwanted.count === 0) unwanted.add(`/${DELAYED_DIRECTORY}`);
    unwanted.close();
    verify.close();
  }
  return { transfers: null, deletions: unlisted(step, dst, listed, nested), totals };
}

/** Paths below the lists' directories that no list names. A symbolic link is never followed. */
function unlisted(step: ListChangesStep, dst: string, listed: PathSet, nested: Nested): string[] {
  const own = new Set([...step.lists.map(({ file }) => file), ...step.extra].map(latin1));
  const found: string[] = [];
  const left = step.lists.map(({ directory }) => latin1(directory));
  for (let directory = left.pop(); directory !== undefined; directory = left.pop()) {
    for (const entry of entries(dst, directory)) {
      const path = directory + entry.name;
      if (own.has(path) || isNeverUpstream(path) || nested.covers(path)) continue;
      if (!listed.has(path)) found.push(path);
      // What lies in there goes with it, and was never published.
      if (entry.isDirectory() && entry.name !== DELAYED_DIRECTORY) left.push(`${path}/`);
    }
  }
  return found;
}

function entries(dst: string, directory: string): { name: string; isDirectory(): boolean }[] {
  const path = bytes(join(latin1(dst), directory));
  // The first pass makes it.
  return unlessGone(() => readdirSync(path, { withFileTypes: true, encoding: 'latin1' })) ?? [];
}
