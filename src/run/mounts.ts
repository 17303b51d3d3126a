import { posix } from 'node:path';

/** A line of /proc/self/mountinfo: device, which directory of it is mounted, and where. */
export interface Mount {
  readonly device: string;
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly source: string;
  /** Options of the file system itself, as `a,b=c`. */
  readonly options: string;
}

/**
 * Whether something is mounted at `path`, by the text of /proc/self/mountinfo (proc(5)). A unit's sandbox binds writable
 * paths onto themselves, so being listed is not enough: what is mounted must not be what would be there anyway.
 */
export function isMountPoint(path: string, mountinfo: string): boolean {
  const mounts = mountinfo.split('\n').flatMap(parse);
  const at = mounts.filter((mount) => mount.point === path).at(-1);
  if (!at) return false;
  if (path === '/') return true;
  const below = mounts
    .filter((mount) => mount.point !== path && isBelow(path, mount.point))
    .reduce<Mount | null>(
      (best, mount) => (best && best.point.length > mount.point.length ? best : mount),
      null,
    );
  if (!below) return true;
  return at.device !== below.device || at.root !== posix.join(below.root, posix.relative(below.point, path));
}

/** The mount that a path without links lies in; of two at one place the later one covers the other. */
export function mountOf(path: string, mountinfo: string): Mount | null {
  const around = mountinfo
    .split('\n')
    .flatMap(parse)
    .filter(({ point }) => point === path || isBelow(path, point));
  return around.reduce<Mount | null>(
    (best, mount) => (best && best.point.length > mount.point.length ? best : mount),
    null,
  );
}

function isBelow(path: string, directory: string): boolean {
  return directory === '/' || path.startsWith(`${directory}/`);
}

function parse(line: string): Mount[] {
  const words = line.split(' ');
  const [, , device, root, point] = words;
  // Before the dash stands any number of optional fields.
  const [type = '', source = '', options = ''] = words.slice(words.indexOf('-') + 1);
  if (device === undefined || root === undefined || point === undefined) return [];
  return [{ device, root: unescape(root), point: unescape(point), type, source: unescape(source), options }];
}

/** Blanks, tabs, line ends and backslashes are octal. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
