/** What a run that went to its end did not do: its outcome names it, so that a success does not hide it. */

export type OmissionKind =
  /** Entries of dst that upstream no longer has, and that stay. */
  | 'deletions'
  /** Files that upstream lists and does not give. */
  | 'refused'
  /** Directories of upstream that were not read. */
  | 'unread'
  /** Files and directories of dst that other users, such as a web server, cannot read: upstream closed them. */
  | 'closed'
  /** Anything else that was asked for and not made. */
  | 'left-out';

/** One line of the record of a run. `run/special/omissions.ts` makes it; the executor only carries it. */
export interface Omission {
  readonly kind: OmissionKind;
  /** How many; null when the tool does not tell. */
  readonly count: number | null;
  /** Some names, at most three, as plain text. */
  readonly examples: readonly string[];
  /** The same in words for people, with the reason. */
  readonly text: string;
}
