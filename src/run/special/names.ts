import { toPlainText } from '../../job/plain-text.js';

/**
 * Names of files as lists and logs bring them: Latin-1, one character a byte, so that names in any encoding come out as
 * they went in.
 */

/** A path in text of ours as characters of that kind: its UTF-8 bytes. */
export function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The path that such a name stands for, as the system takes it. */
export function bytes(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}

/** The name as text for a log: nobody but us ends a line there. */
export function shown(name: string): string {
  return toPlainText(bytes(name).toString('utf8'));
}

/** Whether a path, in any encoding, leads to something below where it starts: no empty part, no `.` and no `..`. */
export function isPlain(path: string): boolean {
  return !/(^|\/)\.{0,2}(\/|$)|\0/.test(path);
}

/** The directories on the way to a path, the topmost first: `a` and `a/b` for `a/b/c`. */
export function parentsOf(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, depth) => names.slice(0, depth + 1).join('/'));
}

/** The path without slashes at its end; an expression (`/+$`) takes quadratic time for many of them. */
export function withoutSlashesAtEnd(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}
