/** How a run ended. Closed: adding a member makes every place that must know it fail to compile. */

/** What kind of failure; decides the exit code and whether a retry makes sense (see `exitCode`, `retryable`). */
export type FailureKind =
  | 'unavailable' // upstream dead, refusing, too many connections, timing out: the next source is tried
  | 'transfer' // some files or attributes were not transferred (rsync 23)
  | 'auth' // wrong password, unknown module, denied
  | 'config' // usage, protocol, unsupported option
  | 'dst' // dst missing, emptied, or on another device
  | 'space' // disk full, quota, or below guard.min_free
  | 'log' // more output than logger.max_size
  | 'io' // other local I/O
  | 'tool' // the tool failed in a way its table does not know
  | 'internal'; // a bug of ours

export type Outcome =
  | { readonly kind: 'synced' }
  | { readonly kind: 'unchanged' }
  /** Whole but for files that vanished upstream during the pass (rsync 24): success with a warning. */
  | { readonly kind: 'partial'; readonly reason: string }
  /** An exit code that `accept_exit` allows: no error, but no fresh success time either. */
  | { readonly kind: 'incomplete'; readonly reason: string }
  | { readonly kind: 'failed'; readonly failure: FailureKind; readonly reason: string }
  | { readonly kind: 'timed-out'; readonly reason: string }
  /** Ended by a signal that was not ours to expect (shutdown, kill): its slot stays due. */
  | { readonly kind: 'interrupted'; readonly reason: string }
  /** `mirror stop`: not retried. */
  | { readonly kind: 'stopped'; readonly reason: string }
  /** The delete guard tripped, now or earlier; needs `mirror run ID --allow-deletes N`. */
  | { readonly kind: 'blocked'; readonly reason: string }
  | { readonly kind: 'held'; readonly reason: string }
  | { readonly kind: 'busy'; readonly reason: string }
  | { readonly kind: 'not-due'; readonly reason: string };

export type OutcomeKind = Outcome['kind'];

/** Exit codes after sysexits(3), as the manual lists them. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 64,
  noInput: 66,
  unavailable: 69,
  internal: 70,
  cantCreate: 73,
  io: 74,
  busy: 75,
  needsPerson: 77,
  config: 78,
  timedOut: 124,
} as const;

const FAILURE_EXIT: Record<FailureKind, number> = {
  unavailable: EXIT.unavailable,
  transfer: EXIT.unavailable,
  auth: EXIT.needsPerson,
  config: EXIT.config,
  dst: EXIT.needsPerson,
  space: EXIT.cantCreate,
  log: EXIT.cantCreate,
  io: EXIT.io,
  tool: EXIT.failure,
  internal: EXIT.internal,
};

/** Exit code of `mirror run` for an outcome; a signal's 128+n is the caller's business for `interrupted`/`stopped`. */
export function exitCode(outcome: Outcome): number {
  switch (outcome.kind) {
    case 'synced':
    case 'unchanged':
    case 'partial':
    case 'incomplete':
    case 'held':
    case 'not-due':
      return EXIT.ok;
    case 'failed':
      return FAILURE_EXIT[outcome.failure];
    case 'timed-out':
      return EXIT.timedOut;
    case 'interrupted':
    case 'stopped':
      return 143;
    case 'blocked':
      return EXIT.needsPerson;
    case 'busy':
      return EXIT.busy;
  }
}

/** Whether trying again soon can help: never for authentication, configuration, dst or guard outcomes. */
export function retryable(outcome: Outcome): boolean {
  if (outcome.kind === 'timed-out') return true;
  return outcome.kind === 'failed' && ['unavailable', 'transfer', 'io', 'tool'].includes(outcome.failure);
}

/** What can be told from the kind alone, which is all that a record of the run has. */
type Kind = Pick<Outcome, 'kind'>;

/** dst is known to hold what upstream offered: counts as success in state, stat.json and status.json. */
export function isSuccess({ kind }: Kind): boolean {
  return kind === 'synced' || kind === 'unchanged' || kind === 'partial';
}

/** A tool came to its end, with files left out at worst: the steps after it may go on. */
export function isThrough({ kind }: Kind): boolean {
  return kind === 'synced' || kind === 'partial' || kind === 'incomplete';
}

/** Nothing was run: no state and no log tell of it, and its slot stays due. */
export function isNoRun({ kind }: Kind): boolean {
  return kind === 'busy' || kind === 'held' || kind === 'not-due';
}

/** Counts as an error: errorcount + 1, lasterrortime. Stopped and interrupted runs are nobody's error. */
export function isError({ kind }: Kind): boolean {
  return kind === 'failed' || kind === 'timed-out' || kind === 'blocked';
}
