/** What is wrong with a user's input, as a value: found anywhere, located once, rendered in one place. */

export type Severity = 'error' | 'warning';

/** Where in the config a finding points. */
export interface Place {
  /** Path of the config file. */
  readonly file: string;
  /** JSON pointer (RFC 6901) in that file, "" for the whole document. */
  readonly pointer: string;
  /** What to underline: the member's key or its value. */
  readonly target: 'key' | 'value';
}

/** A mistake or risk found by a rule, a method or a scheduler; not yet located in the text. */
export interface Finding {
  /** Stable, kebab-case: `unknown-key`, `same-dst`. The manual lists them. */
  readonly code: string;
  readonly severity: Severity;
  /** Lower case, no full stop, names in backticks. */
  readonly message: string;
  /** How to fix it. */
  readonly help?: string;
  readonly place?: Place;
}

/** Lines and columns count from 1; columns count UTF-16 units. */
export interface Span {
  readonly line: number;
  readonly column: number;
  readonly length: number;
  /**
   * The source line, without its line end, or the part around the span of a line of more than 4096 units; secrets in it are
   * hidden behind as many stars for each.
   */
  readonly text: string;
  /** Where in `text` the span starts, if not at its column: a hidden secret before it was shorter or longer, or `text` is a part. */
  readonly shown?: number;
}

export interface Diagnostic extends Finding {
  readonly span?: Span;
}
