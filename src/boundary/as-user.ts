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
