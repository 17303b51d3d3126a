/** Whom a process becomes; names or numbers. */
export interface Account {
  readonly user: string | number;
  readonly group: string | number;
  /** A further group whose files the user may write, beside the groups that the system's database gives it. */
  readonly sharedGroup?: string | number;
}

/**
 * Returns the command that runs `argv` as an account, for a process with root's rights: setpriv(1) of util-linux, because
 * Node's own calls are refused by Debian 13's and Ubuntu 25.10's builds (setgroups, setgid and setuid throw there; see
 * CVE-2024-22017). The new process has no way back to root.
 */
export function commandAs(account: Account, argv: readonly string[]): string[] {
  const { user, group } = account;
  return ['setpriv', `--reuid=${user}`, `--regid=${group}`, groupsOption(account), '--', ...argv];
}

/** A bare uid that no account has has no groups of its own. */
function groupsOption({ user, group, sharedGroup }: Account): string {
  const own = groupsOf(user);
  const groups = [...new Set([...own, ...(sharedGroup === undefined ? [group] : [sharedGroup])].map(String))];
  return `--groups=${groups.join(',')}`;
}

function groupsOf(user: string | number): string[] {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const result = spawnSync('id', ['-G', '--', String(user)], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  return result.status === 0 ? result.stdout.trim().split(' ') : [];
}

/** Whether this process has root's rights on the live system, and so may not touch what other users could have made. */
export function isRoot(): boolean {
  return process.getuid?.() === 0 || process.geteuid?.() === 0;
}
