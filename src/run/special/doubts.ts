import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { readSmallText } from '../../boundary/small-file.js';
import { isNeverUpstream } from '../../job/never-upstream.js';
import type { Outcome } from '../../job/outcome.js';
import { writeFileAtomic } from '../../system/atomic.js';
import { runMark } from '../../job/run-mark.js';
import type { Turn } from '../steps.js';
import { below } from './count-tree.js';
import { Lines } from './lines.js';
import { shown } from './names.js';

/** The record of some thousand directories. */
const LIMIT_BYTES = 4 << 20;

/** Names that lftp gives to files in the making (`xfer:temp-file-name`). */
const TEMPORARY = /^\.in\./;

/**
 * A page that lists so many fewer files than dst has, and none of them, is not taken for a list at once. Fewer are often the
 * files of one version that another has replaced.
 */
const MANY = 4;

/** Directories of dst that may be listed wrongly; paths as `told-deletions` has them, '' for dst itself. */
export interface DoubtfulDirectories {
  /** Nothing is listed there any more. */
  readonly empty: readonly string[];
  /** Something else is listed there: all that dst has came with this pass. */
  readonly replaced: readonly string[];
}

/** Looks at the directories of dst that lose all of their entries. `told` are the paths that upstream no longer lists. */
export function findDoubtful(turn: Turn, told: readonly string[], from: number): DoubtfulDirectories {
  const { dst } = turn.session.job;
  const gone = new Set(told);
  const parents = new Map<string, number>();
  for (const path of told) parents.set(parentOf(path), (parents.get(parentOf(path)) ?? 0) + 1);
  const come = fetchedPaths(turn, from);
  const empty: string[] = [];
  const replaced: string[] = [];
  for (const [parent, count] of parents) {
    const left = entriesOf(dst, parent).filter((path) => !gone.has(path));
    if (left.length === 0) empty.push(parent);
    else if (count >= MANY && left.length < count && left.every((path) => come.has(path)))
      replaced.push(parent);
  }
  return { empty, replaced };
}

/** Whether an entry lies directly in one of these directories. */
export function isIn(directories: readonly string[], path: string): boolean {
  return directories.includes(parentOf(path));
}

/**
 * How the run ends because upstream lists no files in these directories, or a file in their place, and no earlier run has
 * found the same; else null. What is doubted is recorded for the next run. A person who allows deletions has looked.
 */
export function refuseDoubtful(turn: Turn, record: string, directories: readonly string[]): Outcome | null {
  const { pid, pidStart } = turn.session.self;
  const mark = runMark(pid, pidStart);
  if (directories.length === 0 || turn.allowDeletes !== null) {
    rmSync(record, { force: true });
    return null;
  }
  const before = readRecord(record);
  const now = Object.fromEntries(directories.map((path) => [path, before[path] ?? mark]));
  writeFileAtomic(record, JSON.stringify(now), 0o600);
  const unbelieved = directories.filter((path) => now[path] === mark);
  const [first] = unbelieved;
  if (first === undefined) return null;
  const more = unbelieved.length > 1 ? ` and ${String(unbelieved.length - 1)} other directories` : '';
  const name = first === '' ? 'its top directory' : shown(first);
  const reason =
    `upstream lists nothing any more in ${name}${more}: ` +
    'nothing was deleted; if the next run finds the same, it deletes what was there';
  return { kind: 'failed', failure: 'transfer', reason };
}

function readRecord(path: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(readSmallText(path, { limitBytes: LIMIT_BYTES }) ?? '{}');
    return { ...(value as Record<string, string>) };
  } catch {
    return {};
  }
}

/** What lftp says that it fetched or made. */
function fetchedPaths(turn: Turn, from: number): Set<string> {
  const paths = new Set<string>();
  for (const line of new Lines(turn.log.fd, from)) {
    const path = /^(?:Transferring file|Making directory|Making symbolic link) `(.*)'/.exec(line)?.[1];
    if (path !== undefined) paths.add(path);
  }
  return paths;
}

function entriesOf(dst: string, directory: string): string[] {
  if (!lstatSync(below(dst, directory)).isDirectory()) return [];
  return readdirSync(below(dst, directory), 'latin1')
    .filter((name) => !TEMPORARY.test(name))
    .map((name) => (directory === '' ? name : `${directory}/${name}`))
    .filter((path) => !isNeverUpstream(path));
}

function parentOf(path: string): string {
  const parent = dirname(path);
  return parent === '.' ? '' : parent;
}
