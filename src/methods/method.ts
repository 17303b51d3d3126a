import type { Finding } from '../diagnostics/diagnostic.js';
import type { Step } from '../job/step.js';
import type { Package, Source } from '../model/site.js';

/**
 * A finding of a method, at a pointer relative to the package's object (`/settings/src`); the caller turns it into a
 * place in the file that the value came from.
 */
export interface PackageFinding extends Omit<Finding, 'place'> {
  readonly at: string;
  readonly target?: 'key' | 'value';
}

/** A sync method: a compile-time pure function from a package to steps. It never runs anything. */
export interface SyncMethod {
  /** The `synctype` in the config; its options' schema is `schemas/methods/<name>.schema.json`. */
  readonly name: string;
  /** Commands that must be on the host, with the Debian package that has them. */
  tools(pkg: Package): readonly { readonly command: string; readonly debian: string }[];
  /** Mistakes that the schema cannot see (scheme of the URL, combinations). */
  check(pkg: Package): readonly PackageFinding[];
  /**
   * Steps of one run from `source`. `fallback` is true for every source but the first: such a run must not delete.
   */
  steps(pkg: Package, source: Source, fallback: boolean): readonly Step[];
}
