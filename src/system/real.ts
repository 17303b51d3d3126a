import { isAscii, isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  opendirSync,
  readlinkSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { isRoot } from '../boundary/as-user.js';
import { askAs } from '../boundary/spawn-as.js';
import { changeInode, makeHeldDirectory, openForeignLock } from '../boundary/held-inode.js';
import { findRealPath, RefusedLink, walkToName, walkToTarget } from '../boundary/held-path.js';
import { readOpened, readPart, readSmallText, UnfitFile } from '../boundary/small-file.js';
import { replaceFile, syncDirectory } from './atomic.js';
import { execute } from './execute.js';
import { lockDescriptor, tryLock } from './flock.js';
import { FILE_LIMIT_BYTES, type Actual, type Entry, type FileFacts, type System } from './system.js';
import { findGroup, findUser } from './users.js';

/**
 * This machine. Synchronous where files are concerned: for thousands of small files that is several times faster. With
 * root's rights every path is walked as `boundary/held-path` says.
 */
export function realSystem(): System {
  /** Directories whose names changed since `together` began; null outside of it. */
  let changed: Set<string> | null = null;
  const change = (path: string, make: (held: string) => void): void =>
    walkToName(path, ({ held }) => {
      make(held);
      if (changed) changed.add(dirname(path));
      else syncDirectory(dirname(held));
    });
  const together = (action: () => void): void => {
    const directories = (changed = new Set<string>());
    try {
      action();
    } finally {
      changed = null;
      for (const path of directories)
        if (facts(path)) walkToName(`${path}/.`, ({ held }) => syncDirectory(held));
    }
  };
  return {
    actual,
    read: (path) => unlessUnseen(() => walkToTarget(path, ({ held }) => readSmallText(held, LIMIT))),
    facts,
    realPath: (path) => unlessUnseen(() => findRealPath(path, "root's")),
    isSteady,
    list,
    user: findUser,
    group: findGroup,
    query: execute,
    stage,
    uid: () => process.geteuid?.() ?? -1,
    now: () => Date.now(),
    writeFile: (path, content, mode, owner) =>
      change(path, (held) => replaceFile(held, content, mode, owner)),
    symlink: (path, target) => change(path, (held) => symlinkAtomic(held, target)),
    unlink: (path) => {
      try {
        change(path, unlinkSync);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
      }
    },
    makeDirectory: makeHeldDirectory,
    together,
    removeDirectory: removeEmpty,
    chown: (path, owner) => changeInode(path, { owner }),
    chmod: (path, mode) => changeInode(path, { mode }),
    run: execute,
    askAs: isRoot()
      ? (account, words, input) =>
          askAs(account, [process.execPath, resolve(process.argv[1] ?? ''), ...words], input)
      : null,
    lock: (path) =>
      walkToName(path, ({ isSteady }) =>
        isSteady ? tryLock(path) : lockDescriptor(openForeignLock(path), path),
      ),
  };
}

const LIMIT = { limitBytes: FILE_LIMIT_BYTES };

function actual(path: string, guess?: 'file' | 'link'): Actual {
  try {
    return walkToName(path, ({ held }) => actualAt(held, guess));
  } catch (error) {
    if (error instanceof RefusedLink)
      return {
        kind: 'other',
        what: 'place behind a link',
        refused: { path: error.path, uid: error.uid },
      };
    // A plan without root cannot look into the directory of the secrets.
    if (codeOf(error) === 'EACCES') return { kind: 'other', what: 'unreadable' };
    if (codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ENOENT') return { kind: 'absent' };
    throw error;
  }
}

function actualAt(path: string, guess?: 'file' | 'link'): Actual {
  const guessed = guess === 'link' ? linkAt(path) : guess === 'file' ? fileAt(path) : null;
  if (guessed) return guessed;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return { kind: 'absent' };
  if (stat.isSymbolicLink()) return { kind: 'link', target: readlinkSync(path) };
  if (!stat.isFile()) return { kind: 'other', what: stat.isDirectory() ? 'directory' : 'special file' };
  return fileAt(path) ?? { kind: 'other', what: 'unreadable' };
}

function linkAt(path: string): Actual | null {
  const target = unlessUnseen(() => readlinkSync(path));
  return target === null ? null : { kind: 'link', target };
}

/** null for what is no regular file, or cannot be opened. O_NONBLOCK: a FIFO must not make us wait. */
function fileAt(path: string): Actual | null {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const fd = unlessUnseen(() => openSync(path, flags));
  if (fd === null) return null;
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return null;
    if (stat.size > LIMIT.limitBytes) return { kind: 'other', what: 'huge file' };
    const bytes = readWhole(fd, path, stat.size);
    const mode = stat.mode & 0o7777;
    // Nearly always, and it needs no decoding.
    if (isAscii(bytes)) return { kind: 'file', mode, content: bytes.toString('latin1') };
    if (!isUtf8(bytes)) return { kind: 'other', what: 'file that is no text' };
    return { kind: 'file', mode, content: bytes.toString('utf8') };
  } catch (error) {
    if (error instanceof UnfitFile) return { kind: 'other', what: 'huge file' };
    throw error;
  } finally {
    closeSync(fd);
  }
}

let buffer = Buffer.allocUnsafe(1 << 16);

/** The file behind `fd` in a buffer that the next call uses again: a plan reads tens of thousands of small files. */
function readWhole(fd: number, path: string, size: number): Buffer {
  // One byte more than expected, to notice the end in the same call.
  if (buffer.length <= size) buffer = Buffer.allocUnsafe(size + (1 << 16));
  const length = readPart(fd, buffer, 0, 0);
  // It changed meanwhile, is not what it seems (/proc), or the system read a part. Read again from its start, where the
  // descriptor still stands.
  if (length !== size) return readOpened(fd, path, LIMIT.limitBytes);
  return buffer.subarray(0, length);
}

function facts(path: string): FileFacts | null {
  const stat = unlessUnseen(() =>
    walkToTarget(path, ({ held }) => lstatSync(held, { bigint: true }), "root's"),
  );
  if (!stat) return null;
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other';
  return {
    kind,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    inode: `${String(stat.dev)}:${String(stat.ino)}`,
  };
}

function isSteady(path: string): boolean {
  try {
    return walkToTarget(path, (reached) => reached.isSteady);
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (!UNSEEN.test(code)) throw error;
    return code === 'ENOENT' || code === 'ENOTDIR';
  }
}

/** opendir, not readdir: a mirror's directory may hold millions of names and only a few are wanted. */
function list(path: string, limit: number): Entry[] {
  return unlessUnseen(() => walkToName(`${path}/.`, ({ held }) => entriesOf(held, limit), "root's")) ?? [];
}

function entriesOf(path: string, limit: number): Entry[] {
  const directory = opendirSync(path);
  const entries: Entry[] = [];
  try {
    while (entries.length < limit) {
      const entry = directory.readSync();
      if (!entry) break;
      const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other';
      entries.push({ name: entry.name, kind });
    }
  } finally {
    directory.closeSync();
  }
  return entries;
}

function removeEmpty(path: string): void {
  try {
    unlessUnseen(() => walkToName(path, ({ held }) => rmdirSync(held)));
  } catch (error) {
    if (!IN_USE.test(codeOf(error) ?? '')) throw error;
  }
}

function symlinkAtomic(path: string, target: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  symlinkSync(target, temporary);
  try {
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
}

function stage(files: ReadonlyMap<string, string>): { directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'mirror-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    for (const [name, content] of files) {
      mkdirSync(join(directory, dirname(name)), { recursive: true });
      writeFileSync(join(directory, name), content);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { directory, remove };
}

/**
 * What is not there, is of another kind, or may not be looked at. Any other error is the disk's or the machine's and says
 * nothing of the file: one that cannot be read now must not pass for absent, and be replaced.
 */
const UNSEEN = /^E(NOENT|NOTDIR|ACCES|PERM|INVAL|ISDIR|LOOP|NXIO|NODEV|NAMETOOLONG|UNFIT)$/;

/** Why a directory stays that is to go only if it is empty. */
const IN_USE = /^E(NOTEMPTY|EXIST|BUSY)$/;

function unlessUnseen<T>(action: () => T): T | null {
  try {
    return action();
  } catch (error) {
    if (!UNSEEN.test(codeOf(error) ?? '')) throw error;
    return null;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
