import type { Exec } from './step.js';

/**
 * Lets a mirrored repository's HEAD name the branch that upstream's names, which no fetch does: argv is `git ls-remote
 * --symref … HEAD`. An upstream that does not say so (plain files over http, an old server) leaves HEAD as it is.
 */
export interface FollowHeadStep extends Exec {
  readonly kind: 'follow-head';
  /** `git … symbolic-ref HEAD`; the branch is added to its end. */
  readonly set: readonly string[];
}
