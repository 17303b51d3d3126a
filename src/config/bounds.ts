import { dirname, join, resolve } from 'node:path/posix';
import type { Finding } from '../diagnostics/diagnostic.js';
import type { ConfigReader } from './reader.js';

/** What the operator says on the command line about where a config's files may lie. */
export interface Permission {
  /** Directories outside of the config's own whose files may be read and quoted, too. Default none. */
  readonly allowOutside?: readonly string[];
  /** Directory in which the command was started: a config that is named below it must really be there. */
  readonly startedIn?: string;
}

/**
 * The directories whose files a config may consist of. Messages quote the text of such files, and a config may come from a
 * stranger's pull request, so that a file outside of them is not even read.
 */
export interface Bounds {
  /** The config's own directory, for messages. */
  readonly directory: string;
  /** What is wrong with the main file's place, or null. */
  readonly refusal: Finding | null;
  /** Whether what lies at a path, links followed, may be read; also true for a path where nothing is. */
  hasFile(path: string): boolean;
  /** Whether a path, as it is written, leads into one of the directories. */
  hasPath(path: string): boolean;
}

/** Returns the bounds of a config: the directory of its main file, and what the operator allows beside it. */
export function findBounds(
  reader: ConfigReader,
  path: string,
  { allowOutside = [], startedIn }: Permission,
): Bounds {
  const real = (at: string): string => reader.realPath(at) ?? at;
  const directory = dirname(path);
  const allowed = allowOutside.map((at) => resolve(at)).flatMap((at) => [at, real(at)]);
  const isAllowed = (at: string): boolean => allowed.some((outer) => isWithin(at, outer));
  const own = real(directory);
  const main = real(path);
  const isRefused =
    !isAllowed(main) &&
    !(isWithin(main, own) && anchors(reader, directory, startedIn).every((at) => isWithin(own, real(at))));
  // The target of a link that the operator allows has its packages beside it.
  const places = isRefused ? [own] : [own, dirname(main)];
  return {
    directory,
    refusal: isRefused ? outsideConfig(path) : null,
    hasFile: (at) => places.some((place) => isWithin(real(at), place)) || isAllowed(real(at)),
    hasPath: (at) => [directory, ...places].some((place) => isWithin(at, place)) || isAllowed(at),
  };
}

/** Whether a path is a directory's or below it; neither has a link or `..` in it. */
function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/**
 * Directories around the config, as it is named, that no link below them may lead out of: checkouts, because a pull request
 * may add a link, and the directory that the command was started in.
 */
function anchors(reader: ConfigReader, directory: string, startedIn: string | undefined): string[] {
  const found: string[] = [];
  for (let at = directory; ; at = dirname(at)) {
    if (at === startedIn || reader.realPath(join(at, '.git')) !== null) found.push(at);
    if (at === '/') return found;
  }
}

function outsideConfig(path: string): Finding {
  return {
    code: 'config-outside',
    severity: 'error',
    message: 'a link leads from here to a config that lies elsewhere, which may hold anything',
    help: `name the file itself with \`-c\`, or allow its directory: \`--allow-outside DIR\``,
    place: { file: path, pointer: '', target: 'value' },
  };
}
