import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

/** Generations for which an archive keeps files that its index no longer names. */
const KEPT = 6;

const BINARY = 'dists/stable/main/binary-amd64';

/** An apt repository that publishes generation after generation as archives do. */
export interface ChangingArchive {
  readonly path: string;
  readonly generations: number;
  /** Publishes the next generation: pool and by-hash first, the index file by file, its Release files last. */
  publish(): void;
  remove(): void;
}

/** Builds all generations in advance with dpkg-deb and apt-ftparchive, so that publishing them takes no time. */
export function changingArchive(generations: number): ChangingArchive {
  const scratch = mkdtempSync(join(tmpdir(), 'mirror-archive-'));
  const path = join(scratch, 'upstream');
  for (let at = 0; at < generations; at++) buildGeneration(scratch, at);
  let next = 0;
  const publish = (): void => {
    const from = join(scratch, `generation-${String(next)}`);
    const files = filesOf(from);
    const place = (file: string): void => install(join(from, file), join(path, file));
    const [index, early] = [files.filter(isIndex), files.filter((file) => !isIndex(file))];
    for (const file of early) if (!existsSync(join(path, file))) place(file);
    for (const file of index.filter((name) => !isRelease(name))) place(file);
    for (const file of index.filter(isRelease)) place(file);
    next += 1;
    const kept = new Set(
      Array.from({ length: Math.min(KEPT, next) }, (_, back) =>
        filesOf(join(scratch, `generation-${String(next - 1 - back)}`)),
      ).flat(),
    );
    for (const file of filesOf(path)) if (!kept.has(file)) rmSync(join(path, file));
  };
  publish();
  return { path, generations, publish, remove: () => rmSync(scratch, { recursive: true, force: true }) };
}

function buildGeneration(scratch: string, at: number): void {
  const here = join(scratch, `generation-${String(at)}`);
  mkdirSync(join(here, BINARY), { recursive: true });
  for (let number = 0; number < 6; number++) {
    // A third of the packages is new in each generation.
    const version = at - ((at + number) % 3);
    const name = `package-${String(number)}`;
    const file = `pool/main/p/${name}/${name}_${String(version + 3)}_amd64.deb`;
    const made = join(scratch, 'built', file);
    if (!existsSync(made)) buildPackage(made, name, String(version + 3));
    mkdirSync(dirname(join(here, file)), { recursive: true });
    linkSync(made, join(here, file));
  }
  const run = (...args: string[]): Buffer => execFileSync('apt-ftparchive', args, { cwd: here });
  const packages = run('packages', 'pool');
  writeFileSync(join(here, BINARY, 'Packages'), packages);
  writeFileSync(join(here, BINARY, 'Packages.gz'), gzipSync(packages));
  // Sorts before the Release files: while it is fetched they may change.
  writeFileSync(join(here, 'dists/stable/ChangeLog'), noise(`log ${String(at)}`, 400_000));
  const release = run('-oAPT::FTPArchive::Release::Acquire-By-Hash=yes', 'release', 'dists/stable');
  const text = `${release.toString()}X-Generation: ${String(at)}\n`;
  for (const name of ['Release', 'InRelease']) writeFileSync(join(here, 'dists/stable', name), text);
  mkdirSync(join(here, BINARY, 'by-hash/SHA256'), { recursive: true });
  for (const name of ['Packages', 'Packages.gz']) {
    const content = readFileSync(join(here, BINARY, name));
    writeFileSync(join(here, BINARY, 'by-hash/SHA256', sha256(content)), content);
  }
  // No two generations within one second, as in any archive.
  const time = Math.floor(Date.now() / 1000) - 10_000 + at * 10;
  for (const file of filesOf(join(here, 'dists'))) utimesSync(join(here, 'dists', file), time, time);
}

function buildPackage(file: string, name: string, version: string): void {
  const build = mkdtempSync(join(tmpdir(), 'mirror-deb-'));
  mkdirSync(join(build, 'DEBIAN'));
  const fields = { Package: name, Version: version, Architecture: 'amd64', Maintainer: 'T <t@example.org>' };
  const control = Object.entries({ ...fields, Description: name }).map(
    ([key, value]) => `${key}: ${value}\n`,
  );
  writeFileSync(join(build, 'DEBIAN/control'), control.join(''));
  writeFileSync(join(build, 'data'), noise(`${name} ${version}`, 60_000));
  mkdirSync(dirname(file), { recursive: true });
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', build, file], { stdio: 'ignore' });
  rmSync(build, { recursive: true });
}

/** A copy under another name that takes its place, as archives replace files. */
function install(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, `${to}.new`);
  const { mtime } = statSync(from);
  utimesSync(`${to}.new`, mtime, mtime);
  renameSync(`${to}.new`, to);
}

function isIndex(file: string): boolean {
  return file.startsWith('dists/') && !file.includes('/by-hash/');
}

function isRelease(file: string): boolean {
  return /\/(In)?Release$/.test(file);
}

/** Walks a mirror as apt does, over and over, as somebody else while it changes. */
export interface Reader {
  /** What did not fit together: a file that is missing, or has another content than its index says. */
  readonly failures: ReadonlySet<string>;
  /** Generations that were read whole. */
  readonly seen: ReadonlySet<string>;
  stop(): Promise<void>;
}

/** Reads `InRelease`, the `Packages.gz` that it names by hash, and every package; then `Packages` by its path. */
export function startReader(mirror: string): Reader {
  const failures = new Set<string>();
  const seen = new Set<string>();
  const ended = new AbortController();
  const walking = (async () => {
    while (!ended.signal.aborted) {
      if (existsSync(join(mirror, 'dists/stable/InRelease'))) {
        try {
          seen.add(walk(mirror));
        } catch (error) {
          failures.add((error as Error).message);
        }
      }
      await new Promise((next) => setTimeout(next, 5));
    }
  })();
  return {
    failures,
    seen,
    async stop() {
      ended.abort();
      await walking;
    },
  };
}

/** One walk, without a pause; the generation that it read. Throws at what does not fit. */
function walk(mirror: string): string {
  const read = (file: string): Buffer => readFileSync(join(mirror, file));
  const release = read('dists/stable/InRelease').toString();
  const [, checksums = ''] = /^SHA256:\n((?: .*\n)+)/m.exec(release) ?? [];
  const [, hash = 'none'] = /^ ([0-9a-f]{64}) +\d+ main\/binary-amd64\/Packages\.gz$/m.exec(checksums) ?? [];
  const index = read(`${BINARY}/by-hash/SHA256/${hash}`);
  expectHash(index, hash, `by-hash/${hash}`);
  for (const packages of [gunzipSync(index), gunzipSync(read(`${BINARY}/Packages.gz`))]) {
    for (const entry of packages.toString().split('\n\n')) {
      const [, file] = /^Filename: (.*)$/m.exec(entry) ?? [];
      const [, sum = 'none'] = /^SHA256: (.*)$/m.exec(entry) ?? [];
      if (file !== undefined) expectHash(read(file), sum, file);
    }
  }
  return /^X-Generation: (\d+)$/m.exec(release)?.[1] ?? 'none';
}

function expectHash(content: Buffer, hash: string, file: string): void {
  if (sha256(content) !== hash) throw new Error(`hash mismatch: ${file}`);
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Bytes that do not compress, the same for the same seed. */
function noise(seed: string, size: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
    createHash('sha256')
      .update(`${seed} ${String(i)}`)
      .digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

/** Files below a directory, relative. */
function filesOf(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}
