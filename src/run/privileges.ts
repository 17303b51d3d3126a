import type { Job } from '../job/job.js';

/**
 * Becomes the job's user before any lock, log or state is opened: a file that root would create could never be written
 * by the next run, and a path that the mirror user controls must not be followed by root. Started by anybody but root
 * (systemd's User=, a user's own crontab) it only sets the umask. Throws when a user or group does not exist.
 */
export function dropPrivileges(runAs: Job['run_as']): void {
  process.umask(parseInt(runAs.umask, 8));
  if (process.getuid?.() !== 0) return;
  becomeUser(runAs.user, runAs.group, [runAs.shared_group]);
}

/** Drops uid, gid and supplementary groups of a process that is root, in the only order that works. */
export function becomeUser(
  user: string | number,
  group: string | number,
  shared: readonly (string | number)[] = [],
): void {
  try {
    initgroups(user, shared[0] ?? group);
  } catch {
    // A bare uid that no account has: it has no groups of its own.
    process.setgroups?.([...shared]);
  }
  process.setgid?.(group);
  process.setuid?.(user);
  if (process.getuid?.() !== 0) process.env.HOME = homeDirectory();
}

/**
 * Calls `action` with a user's rights, in a process that is root and stays it: files that the user controls are not root's
 * to follow. The real uid remains root's, so the user cannot signal the process meanwhile.
 */
export function asUser<T>(user: string | number, group: string | number, action: () => T): T {
  const groups = process.getgroups?.() ?? [];
  try {
    initgroups(user, group);
  } catch {
    process.setgroups?.([]);
  }
  process.setegid?.(group);
  process.seteuid?.(user);
  try {
    return action();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}

/** Node has it on every POSIX system; its types do not. */
function initgroups(user: string | number, extra: string | number): void {
  (process as unknown as { initgroups(user: string | number, extra: string | number): void }).initgroups(
    user,
    extra,
  );
}

function homeDirectory(): string {
  try {
    return process.getBuiltinModule('node:os').userInfo().homedir;
  } catch {
    return '/';
  }
}
