import type { Omission } from '../../job/omission.js';
import type { FailureKind } from '../../job/outcome.js';
import type { Transfer } from '../../state/package-state.js';

export type Verdict = FailureKind | 'synced' | 'partial' | 'incomplete' | 'interrupted' | 'blocked';

/**
 * A row matches when its exit is listed (null: any but 0) and its text, if any, was printed; the first one decides. An
 * upstream chooses much of what is printed, so a text must be found in linear time, and a test attacks each: a repetition is
 * anchored (`^.*`), bounded (`.{0,200}`), or in a lookahead behind an anchor (`^(?=.*a).*b` for a before b).
 */
export type Row = readonly [
  exits: readonly number[] | null,
  text: RegExp | null,
  verdict: Verdict,
  meaning: string,
];

/** What a tool's exit codes and output mean: one object a tool, the same for every package that runs it. */
export interface ToolTable {
  readonly name: string;
  /** Looked at before `accept_exit`: no site wants these accepted. */
  readonly never: readonly Row[];
  /** Exit × output → outcome; what no row matches is `failed (tool)`. */
  readonly rows: readonly Row[];
  /** Exits after which the tool never began to change dst: it got no further than upstream's door. */
  readonly neverStarted: readonly number[];
  /**
   * Whether its output tells of any file that upstream has, directories aside; null: it does not tell. Not there: a tree
   * without files may be what upstream has to give, and an empty dst means nothing.
   */
  readonly lists?: (output: string) => boolean | null;
  /** Lines that explain a failure, the best first; `last` is the last line of all. */
  readonly explains: readonly (RegExp | 'last')[];
  /** What the tool says it moved; null where it says nothing. */
  readonly transfer: (output: string) => Transfer | null;
  /**
   * What the tool's words say that it did not do, whatever its exit code; made by `omission` of `run/special/omissions.ts`.
   * A table of the executor's own bundle imports its reader lazily, and only for output that has something to read.
   */
  readonly omissions?: (output: string) => readonly Omission[] | Promise<readonly Omission[]>;
}

/** Exit 0 is success. */
export const OK: Row = [[0], null, 'synced', ''];

/** Of an upstream whose redirect, or index, leads to a host that the tool is kept from. */
export const REDIRECTED = 'upstream sends its mirror to a host that `network.redirects` does not name';
