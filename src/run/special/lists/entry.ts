import { isPlain } from '../names.js';

/** What a line of a file list says. Paths are relative to the list's directory, Latin-1. */
export type ListLine =
  | {
      readonly kind: 'entry';
      readonly type: 'file' | 'directory' | 'link';
      /** Not for everybody yet: it cannot be read by others itself (closed), or a directory above it cannot. */
      readonly mark: 'closed' | 'below' | null;
      readonly size: number;
      readonly path: string;
    }
  | { readonly kind: 'checksum'; readonly digest: string; readonly path: string }
  /** `[Files]` and its like, the version, an empty line. */
  | { readonly kind: 'frame' }
  | { readonly kind: 'wrong' };

/** Newest version of the format whose lines are known here. */
const NEWEST = 3;

const TYPES = { f: 'file', d: 'directory', l: 'link' } as const;

/**
 * Reads a line of a `fullfiletimelist`, as quick-fedora-mirror's create-filelist writes it: time, type, size and path
 * between tabs below `[Files]`; a digest and a path below `[Checksums …]`. The time is the newer one of mtime and ctime,
 * so that a new hard link changes all its names' lines. A path that leads out of the directory is wrong.
 */
export function readLine(line: string): ListLine {
  const entry = /^\d{1,20}(?:\.\d{1,20})?\t([fdl])([-*]?)\t(\d{1,16})\t(.+)$/.exec(line);
  if (entry !== null) {
    const [, type = 'f', mark, size, path = ''] = entry;
    if (!isListed(path)) return { kind: 'wrong' };
    return {
      kind: 'entry',
      type: TYPES[type as keyof typeof TYPES],
      mark: mark === '' ? null : mark === '-' ? 'closed' : 'below',
      size: Number(size),
      path,
    };
  }
  const [, digest, path = ''] = /^([0-9a-f]{32,128})\t(.+)$/.exec(line) ?? [];
  if (digest !== undefined) {
    return isListed(path) ? { kind: 'checksum', digest, path } : { kind: 'wrong' };
  }
  return /^(\[[A-Z][\w ]{0,40}\]|\d{0,9})$/.test(line) ? { kind: 'frame' } : { kind: 'wrong' };
}

/** Why a list cannot be believed by its first and last bytes, or null. A list that was cut off has no `[End]`. */
export function wrongFrame(head: string, tail: string): string | null {
  const [, version] = /^\[Version\]\n(\d{1,9})\n/.exec(head) ?? [];
  if (version === undefined) return 'has no version';
  if (Number(version) > NEWEST)
    return `has version ${version}, and ${String(NEWEST)} is the newest that is known`;
  if (!/^\[Version\]\n\d+\n\n?\[Files\]\n\d/.test(head)) return 'lists no files';
  return /(^|\n)\[End\]\n*$/.test(tail) ? null : 'has no end: it was cut off';
}

/** A path in a list has no control characters, and is not longer than the system takes it. */
function isListed(path: string): boolean {
  return path.length <= 4096 && !/[\u0000-\u001f\u007f]/.test(path) && isPlain(path);
}
