import type { Account } from '../boundary/as-user.js';

/**
 * The port: everything the compiler half may ask of a machine. Code that plans takes a `Reader` and so cannot change
 * anything; modes (read-only, recording, failing) are wrappers made by `intercept`.
 */

/** What is on disk at a path now, the last name not followed. */
export type Actual =
  | { readonly kind: 'absent' }
  | { readonly kind: 'file'; readonly mode: number; readonly content: string }
  | { readonly kind: 'link'; readonly target: string }
  /** `directory`, `unreadable`, `file that is no text`, `huge file`, `special file`, `place behind a link`: always in the way. */
  | {
      readonly kind: 'other';
      readonly what: string;
      /** A link on the way that another user could have made: nothing behind it is looked at. */
      readonly refused?: { readonly path: string; readonly uid: number };
    };

/** Facts of what a path leads to, links followed. `mode` holds the permission bits only. */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Device and inode, which tell one directory that has several paths; not there: not known. */
  readonly inode?: string;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Bytes of a file that a `Reader` reads. Nothing that mirror writes comes near; reading more could exhaust memory. */
export const FILE_LIMIT_BYTES = 256 * 1024 * 1024;

/** How a program ended; `code` 127 when it could not be started. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'other';
}

/**
 * What is on a machine. What is missing, or closed to this process, is an answer; every other error of the system is thrown:
 * on a failing disk a file that cannot be read must not pass for one that is not there.
 */
export interface Reader {
  /** `guess` is what probably lies there: right, it saves a system call for each of thousands of paths. */
  actual(path: string, guess?: 'file' | 'link'): Actual;
  /** Text of a file, links followed; null when there is none or it cannot be read. */
  read(path: string): string | null;
  facts(path: string): FileFacts | null;
  /**
   * Whether root alone can change what a path leads to, links followed; true when nothing is there. Only root can tell: for
   * any other user it is true.
   */
  isSteady(path: string): boolean;
  /** The path with every link followed; null when it leads nowhere. */
  realPath(path: string): string | null;
  /** At most `limit` entries of a directory, in no order; none when there is no such directory. */
  list(path: string, limit: number): Entry[];
  /** A user by name or number; null when nobody knows it. A number needs no entry, its group is then the same number. */
  user(name: string | number): Owner | null;
  group(name: string | number): number | null;
  /** Runs a program that changes nothing: git, systemd-analyze. */
  query(argv: readonly string[]): Promise<CommandResult>;
  /** Writes files (relative path → content) into a new temporary directory, for a query to read. */
  stage(files: ReadonlyMap<string, string>): { readonly directory: string; remove(): void };
  /** Effective user of this process. */
  uid(): number;
  /** Epoch milliseconds. */
  now(): number;
}

export interface System extends Reader {
  /**
   * Replaces a file, whole or not at all. Root gives it to `owner`; without one an existing file keeps its owner. Throws the
   * system's error.
   */
  writeFile(path: string, content: string, mode: number, owner?: Owner): void;
  /** Replaces whatever is no directory by a symbolic link, at once. */
  symlink(path: string, target: string): void;
  /** Removes a file or link; a missing one is no error. */
  unlink(path: string): void;
  /** Makes one directory; an existing one is no error and stays as it is. */
  makeDirectory(path: string, mode: number): void;
  /** Removes an empty directory; one that is missing or in use is no error. */
  removeDirectory(path: string): void;
  /**
   * Runs `action`, whose files, links and removals survive a loss of power when all of it is done, and not one by one:
   * thousands in one directory cost half. Each is whole at any time all the same.
   */
  together(action: () => void): void;
  /**
   * Both are for directories that this process made, and for what lies where only root can put something in its place. They
   * throw for anything else, and for a link.
   */
  chown(path: string, owner: Owner): void;
  chmod(path: string, mode: number): void;
  /** Runs a program that changes the machine: systemctl, useradd. After `limitMs` it is told to end. */
  run(argv: readonly string[], limitMs?: number): Promise<CommandResult>;
  /**
   * Runs this program (`words` are its command and options) with another account's rights, `input` on its stdin, and returns
   * how it ended; null if this process has no rights to give up. Throws when it cannot be started, or does not end in time.
   */
  readonly askAs: ((account: Account, words: readonly string[], input: string) => CommandResult) | null;
  /** Takes a lock that lives as long as this process, or null when somebody else holds it. */
  lock(path: string): { release(): void } | null;
}
