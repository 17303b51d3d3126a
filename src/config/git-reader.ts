import { posix } from 'node:path';
import { execaSync } from 'execa';
import { matchesGlob } from './glob.js';
import { ConfigFileError, MAX_BYTES, tooLarge, type ConfigReader } from './reader.js';

interface Blob {
  readonly id: string;
  readonly isLink: boolean;
}

/**
 * Reads config files as a git revision has them, without touching the working tree: absolute paths are those the files
 * have, or would have, in the checkout that holds `directory`. Files that a pattern matches are fetched in one go.
 * Throws ConfigFileError 66 where there is no repository or no such revision.
 */
export function gitReader(directory: string, revision: string): ConfigReader {
  const prefix = text(directory, ['rev-parse', '--show-prefix'], `${directory} is in no git repository`);
  const commit = text(
    directory,
    ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`],
    `no such revision: ${revision}`,
  );
  const top = posix.join(directory, posix.relative(`/${prefix}`, '/'));
  const tree = listTree(directory, commit);
  const contents = new Map<string, Uint8Array>();

  const blobAt = (path: string): Blob | undefined => tree.get(posix.relative(top, path));
  const realPath = (path: string, hops = 0): string => {
    const blob = blobAt(path);
    if (!blob?.isLink || hops > 8) return path;
    const target = new TextDecoder().decode(fetch(directory, [blob.id]).get(blob.id));
    return realPath(posix.resolve(posix.dirname(path), target), hops + 1);
  };
  const resolve = (path: string): Blob | undefined => blobAt(realPath(path));
  const load = (ids: readonly string[]): void => {
    for (const [id, bytes] of fetch(
      directory,
      ids.filter((id) => !contents.has(id)),
    ))
      contents.set(id, bytes);
  };

  return {
    read: (path) => {
      const blob = resolve(path);
      if (!blob) throw new ConfigFileError(66, `${revision}:${path}`, 'no such file in this revision');
      load([blob.id]);
      const bytes = contents.get(blob.id) ?? new Uint8Array();
      if (bytes.length > MAX_BYTES) throw tooLarge(path, bytes.length);
      return bytes;
    },
    glob: (pattern) => {
      const paths = [...tree.keys()]
        .map((name) => posix.join(top, name))
        .filter((path) => matchesGlob(pattern, path));
      load(paths.flatMap((path) => resolve(path)?.id ?? []));
      return paths.sort();
    },
    realPath: (path) => realPath(path),
  };
}

function text(directory: string, args: readonly string[], problem: string): string {
  const result = execaSync('git', ['-C', directory, ...args], { reject: false, env: { LC_ALL: 'C' } });
  if (result.exitCode === 0) return result.stdout.trim();
  const said = result.stderr.trim().split('\n')[0] ?? '';
  throw new ConfigFileError(
    66,
    directory,
    result.exitCode === undefined ? 'git is not installed' : said || problem,
  );
}

function listTree(directory: string, commit: string): Map<string, Blob> {
  const args = ['-C', directory, 'ls-tree', '-r', '-z', '--full-tree', commit];
  const { stdout } = execaSync('git', args, { maxBuffer: 1 << 30, stripFinalNewline: false });
  const rows = stdout.split('\0').flatMap((row): [string, Blob][] => {
    const [, mode, kind, id, path] = /^(\d+) (\w+) ([0-9a-f]+)\t([^]+)$/.exec(row) ?? [];
    return kind === 'blob' && id !== undefined && path !== undefined
      ? [[path, { id, isLink: mode === '120000' }]]
      : [];
  });
  return new Map(rows);
}

/** Contents of blobs, by one `git cat-file --batch`: each is a line `<id> blob <size>`, the bytes, a line end. */
function fetch(directory: string, ids: readonly string[]): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  if (ids.length === 0) return found;
  const { stdout } = execaSync('git', ['-C', directory, 'cat-file', '--batch'], {
    input: `${ids.join('\n')}\n`,
    encoding: 'buffer',
    maxBuffer: 1 << 30,
    stripFinalNewline: false,
  });
  let at = 0;
  for (const id of ids) {
    const end = stdout.indexOf(10, at);
    const size = Number(new TextDecoder().decode(stdout.subarray(at, end)).split(' ')[2]);
    found.set(id, stdout.subarray(end + 1, end + 1 + size));
    at = end + 1 + size + 1;
  }
  return found;
}
