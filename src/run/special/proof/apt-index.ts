import { closeSync } from 'node:fs';
import { openToRead } from '../../../boundary/regular-file.js';
import { Lines } from '../lines.js';

/** What an index says of a file; the digest is SHA-256, or null where it has none. */
export interface Expected {
  readonly size: number;
  readonly sha256: string | null;
}

/** Files that a Release file names, by their path beside it: those of its `SHA256:` field. */
export function releaseFiles(text: string): Map<string, Expected> {
  const files = new Map<string, Expected>();
  let within = false;
  for (const line of text.split('\n')) {
    if (!line.startsWith(' ')) within = /^SHA256:\s*$/.test(line);
    else if (within) addFile(files, line, '');
  }
  return files;
}

/**
 * Files of the pool that a Packages or Sources index names, relative to the repository. A line of any length takes no more
 * memory than the window that it is read through. Throws UnfitFile, or the system's error.
 */
export function indexFiles(path: string): Map<string, Expected> {
  const files = new Map<string, Expected>();
  let fields = new Map<string, string[]>();
  let field: string[] = [];
  const end = (): void => {
    addStanza(files, fields);
    fields = new Map();
  };
  const take = (line: string): void => {
    if (line === '') end();
    else if (line.startsWith(' ')) field.push(line);
    else {
      const [, name = '', value = ''] = /^([^:\s]+):(.*)$/.exec(line) ?? [];
      field = [value.trim()];
      fields.set(name.toLowerCase(), field);
    }
  };
  const fd = openToRead(path);
  try {
    for (const line of new Lines(fd)) take(utf8(line));
  } finally {
    closeSync(fd);
  }
  end();
  return files;
}

/** From one character a byte; a carriage return may end a line. */
function utf8(line: string): string {
  return Buffer.from(line, 'latin1').toString('utf8').replace(/\r$/, '');
}

function addStanza(files: Map<string, Expected>, fields: ReadonlyMap<string, readonly string[]>): void {
  const value = (name: string): string | null => fields.get(name)?.[0] ?? null;
  const filename = value('filename');
  if (filename !== null) {
    files.set(plain(filename), { size: Number(value('size')), sha256: value('sha256') });
    return;
  }
  const directory = value('directory');
  if (directory === null) return;
  for (const [name, digest] of [
    ['files', false],
    ['checksums-sha256', true],
  ] as const) {
    for (const line of fields.get(name)?.slice(1) ?? []) addFile(files, line, `${directory}/`, digest);
  }
}

/** A line of ` DIGEST SIZE NAME`. */
function addFile(files: Map<string, Expected>, line: string, directory: string, digest = true): void {
  const [sum, size, name] = line.trim().split(/\s+/);
  if (sum === undefined || size === undefined || name === undefined) return;
  files.set(plain(directory + name), { size: Number(size), sha256: digest ? sum : null });
}

/** Without `./` and doubled slashes, as in `./foo.deb`. */
function plain(path: string): string {
  return path.replace(/\/{2,}/g, '/').replace(/^(\.\/)+/, '');
}
