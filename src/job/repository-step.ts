/** Steps of bare git repositories. What they prove is `prove-refs` in `proof-step.ts`. */

import type { Exec, Step } from './step.js';

/** Where a repository is, which of its refs are mirrored, and what the steps of one run tell each other about them. */
export interface RefsOfRepository extends Exec {
  /** The bare repository, dst itself or below it. */
  readonly directory: string;
  /** Full names, or beginnings of names with a `*` at the end. */
  readonly refs: readonly string[];
  /** `git for-each-ref`, which prints the id and the name of each ref in dst. */
  readonly list: readonly string[];
  /** `git update-ref --stdin`. */
  readonly update: readonly string[];
  /** A file of the run: what upstream's refs are. The steps of one repository share it. */
  readonly answer: string;
}

/**
 * Asks upstream for its refs (argv is `git ls-remote --symref`), makes the repository if it is not there, in upstream's
 * object format, and removes locks that a dead git left: the run lock says that no git of ours is at work. Ends the run as
 * blocked, with dst untouched, if upstream lacks more refs than the guard allows. A ref that stands in the way of a new one
 * (`a` where upstream now has `a/b`) is deleted here; all others go after the proof. When a ref is new or has changed, the
 * file `<answer>.changed` is written, which the fetch waits for.
 */
export interface PrepareRepositoryStep extends RefsOfRepository {
  readonly kind: 'prepare-repository';
  /** `git init`; the directory, and before it the object format, are added to its end. */
  readonly init: readonly string[];
  /** False: nothing is deleted, and what is in the way fails the fetch. */
  readonly deletes: boolean;
}

/** Deletes the refs that upstream's answer lacks, unless they are more than the guard allows. It asks upstream nothing. */
export interface DeleteRefsStep extends RefsOfRepository {
  readonly kind: 'delete-refs';
}

/**
 * Does the steps of each repository, also after a repository before it failed. The run fails at the end and names those
 * that did. It ends early when three repositories in a row find no upstream, and when no other could do better: the disk is
 * full, the time is over, a signal came.
 */
export interface EachRepositoryStep {
  readonly kind: 'each-repository';
  readonly repositories: readonly { readonly name: string; readonly steps: readonly Step[] }[];
}

/** The steps in order, with those of each repository in place of the step that holds them. */
export function flatSteps(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) =>
    step.kind === 'each-repository'
      ? step.repositories.flatMap((repository) => flatSteps(repository.steps))
      : [step],
  );
}
