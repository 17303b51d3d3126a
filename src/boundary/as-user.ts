import { EXIT } from '../job/outcome.js';

/** Which user a process becomes; names or numbers. */
export interface Account {
  readonly user: string | number;
  readonly group: string | number;
  /** A further group whose files the user may write, beside the groups that the system's database gives it. */
  readonly shared_group?: string | number;
}

/** Root cannot become an account that this machine does not know; `code` is the exit code. */
export class UnknownAccount extends Error {
  readonly code = EXIT.needsPerson;
}

/**
 * Returns the command that runs `argv` as an account, for a process with root's rights: setpriv(1) of util-linux, because
 * Node's own calls are refused by Debian 13's and Ubuntu 25.10's builds (setgroups, setgid and setuid throw there; see
 * CVE-2024-22017). The new process has no way back to root. Throws UnknownAccount.
 */
export function commandAs(account: Account, argv: readonly string[]): string[] {
  const { user, group, shared_group: shared } = account;
  const groups = [...new Set([...groupsOf(user), String(shared ?? group)])].join(',');
  return ['setpriv', `--reuid=${user}`, `--regid=${group}`, `--groups=${groups}`, '--', ...argv];
}

/** Asked once: no process of ours changes its user, and a plan wants to know for each of tens of thousands of files. */
const HAS_ROOT = process.geteuid?.() === 0;

/** Whether this process has root's rights: then it must not touch what other users could have made. */
export function isRoot(): boolean {
  return HAS_ROOT;
}

/** Whether an account is root itself, so that becoming it changes nothing. */
export function isRootAccount({ user }: Account): boolean {
  return String(user) === '0' || user === 'root';
}

/** The groups of a user in the system's database; a bare number without an account has none. */
function groupsOf(user: string | number): string[] {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { PATH } = process.env;
  const result = spawnSync('id', ['-G', '--', String(user)], { encoding: 'utf8', env: { PATH } });
  if (result.error) throw result.error;
  if (result.status === 0) return result.stdout.trim().split(' ');
  if (/^\d+$/.test(String(user))) return [];
  throw new UnknownAccount(`this machine has no user ${user}\n  help: create it: sudo mirror setup`);
}
