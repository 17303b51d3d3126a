import type { ChildProcess } from 'node:child_process';
import { closeSync, createReadStream } from 'node:fs';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { plainPath } from './apt-release.js';
import type { Expected } from './apt-release.js';

/** Called for each file that an index names: its path in the repository, or as it is written if it leads out of it. */
export type Visit = (path: string, expected: Expected, plain: boolean) => void;

/** Programs that unpack what Node does not, from standard input to standard output. */
const UNPACKERS: Readonly<Record<string, string>> = {
  '.xz': 'xz',
  '.lzma': 'xz',
  '.bz2': 'bzip2',
  '.zst': 'zstd',
};

/** Compressions that can be read here, those first that cost least. */
export const READABLE = ['', '.gz', '.xz', '.bz2', '.zst', '.lzma'];

/** A stanza that is longer than this is none: no package of Debian's has a hundredth of it. */
const LONGEST_STANZA = 16 << 20;

/** Digests by their fields, in the order of preference: the cheapest of those that tell an exchanged file. */
const DIGESTS = [
  ['\nSHA256:', 'sha256'],
  ['\nSHA512:', 'sha512'],
  ['\nSHA1:', 'sha1'],
  ['\nMD5sum:', 'md5'],
] as const;

const SOURCE_DIGESTS = [
  ['\nChecksums-Sha256:', 'sha256'],
  ['\nChecksums-Sha512:', 'sha512'],
  ['\nChecksums-Sha1:', 'sha1'],
  ['\nFiles:', 'md5'],
] as const;

/**
 * Reads the Packages or Sources index that is open as `fd`, which it closes, and visits each file that it names. `name`
 * tells the compression. The index is read as a stream: memory does not grow with it. Throws what reading or unpacking
 * throws.
 */
export async function visitIndex(fd: number, name: string, visit: Visit): Promise<void> {
  let rest = '';
  for await (const chunk of unpacked(fd, extname(name))) {
    const text = rest + (chunk as Buffer).toString('latin1').replaceAll('\r', '');
    let from = 0;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n', from)) {
      visitStanza(`\n${text.slice(from, end + 1)}`, visit);
      from = end + 1;
    }
    rest = text.slice(from);
    if (rest.length > LONGEST_STANZA) throw new Error(`${name} is no index of packages`);
  }
  visitStanza(`\n${rest}\n`, visit);
}

async function* unpacked(fd: number, compression: string): AsyncGenerator {
  const program = UNPACKERS[compression];
  if (program !== undefined) {
    yield* throughProgram(fd, program);
    return;
  }
  const file = createReadStream('', { fd, highWaterMark: 1 << 18 });
  if (compression !== '.gz') {
    yield* file;
    return;
  }
  const zlib = process.getBuiltinModule('node:zlib');
  const { pipeline } = process.getBuiltinModule('node:stream');
  yield* pipeline(file, zlib.createGunzip({ chunkSize: 1 << 18 }), () => undefined);
}

async function* throughProgram(fd: number, program: string): AsyncGenerator {
  const { spawn } = process.getBuiltinModule('node:child_process');
  let child: ChildProcess;
  try {
    child = spawn(program, ['-dc'], { stdio: [fd, 'pipe', 'ignore'] });
  } finally {
    closeSync(fd);
  }
  const ended = new Promise<string | null>((done) => {
    child.on('error', (error) => done(error.message));
    child.on('close', (code) => done(code === 0 ? null : `${program} ended with ${String(code)}`));
  });
  try {
    yield* child.stdout as Readable;
    const wrong = await ended;
    if (wrong !== null) throw new Error(`cannot unpack an index: ${wrong}`);
  } finally {
    child.kill('SIGKILL');
  }
}

/** `text` begins and ends with a line end, so that every field has one in front. */
function visitStanza(text: string, visit: Visit): void {
  const stanza = withUsualCase(text);
  const filename = fieldOf(stanza, '\nFilename:');
  if (filename !== null) {
    const size = Number(fieldOf(stanza, '\nSize:') ?? NaN);
    for (const [name, algorithm] of DIGESTS) {
      const digest = fieldOf(stanza, name);
      if (digest !== null) {
        visitPath(visit, filename, { size, algorithm, digest: digest.toLowerCase() });
        return;
      }
    }
    visitPath(visit, filename, { size, algorithm: null, digest: '' });
    return;
  }
  const directory = fieldOf(stanza, '\nDirectory:');
  if (directory === null) return;
  for (const [name, algorithm] of SOURCE_DIGESTS) {
    const lines = linesOf(stanza, name);
    if (lines.length === 0) continue;
    for (const line of lines) {
      const [digest, size, file] = line.trim().split(/\s+/);
      if (digest === undefined || size === undefined || file === undefined) continue;
      visitPath(visit, `${directory}/${file}`, {
        size: Number(size),
        algorithm,
        digest: digest.toLowerCase(),
      });
    }
    return;
  }
}

/** Names of fields may be in any case (deb822(5)); nearly all are as Debian writes them. */
function withUsualCase(text: string): string {
  if (text.includes('\nFilename:') || text.includes('\nDirectory:')) return text;
  if (!/\n(filename|directory):/i.test(text)) return text;
  const usual = [...DIGESTS, ...SOURCE_DIGESTS].map(([name]) => name);
  return text.replace(/\n[A-Za-z0-9-]+:/g, (field) => {
    const lower = field.toLowerCase();
    const known = ['\nFilename:', '\nSize:', '\nDirectory:', ...usual];
    return known.find((name) => name.toLowerCase() === lower) ?? field;
  });
}

function visitPath(visit: Visit, latin1: string, expected: Expected): void {
  const path = /^[\x00-\x7f]*$/.test(latin1) ? latin1 : Buffer.from(latin1, 'latin1').toString('utf8');
  const plain = plainPath(path);
  visit(plain ?? path, expected, plain !== null);
}

/** A field's value on its own line, whatever the case of the field's name; null: there is none. */
function fieldOf(stanza: string, name: string): string | null {
  let at = stanza.indexOf(name);
  if (at === -1) return null;
  at += name.length;
  return stanza.slice(at, stanza.indexOf('\n', at)).trim();
}

/** The lines that continue a field. */
function linesOf(stanza: string, name: string): string[] {
  const at = stanza.indexOf(name);
  if (at === -1) return [];
  const lines = stanza.slice(stanza.indexOf('\n', at + 1) + 1).split('\n');
  const end = lines.findIndex((line) => !line.startsWith(' '));
  return end === -1 ? lines : lines.slice(0, end);
}
