/** Calls `action` with a user's rights in a test that runs as root, and is root again after it. */
export function withRightsOf<T>(user: number, group: number, action: () => T): T {
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([]);
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
