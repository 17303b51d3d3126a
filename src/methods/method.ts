import type { MethodOptions } from '../config/types.generated.js';
import type { Finding } from '../diagnostics/diagnostic.js';
import type { ExecStep, Step, WriteFileStep } from '../job/step.js';
import type { Package, Settings, Site, Source } from '../model/site.js';

/**
 * A finding of a method, at a pointer relative to the package's object (`/settings/src`); the caller turns it into a
 * place in the file that the value came from.
 */
export interface PackageFinding extends Omit<Finding, 'place'> {
  readonly at: string;
  readonly target?: 'key' | 'value';
}

/**
 * A package's options as its method finds them: what its schema has a default for is there. Packages share these defaults,
 * so nothing in them may be changed.
 */
export type Options<Name extends keyof MethodOptions> = DeepReadonly<MethodOptions[Name]>;

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

/** What a method needs to know beside the package. */
export interface MethodContext {
  /** The upstream of these steps. */
  readonly source: Source;
  /** Every source but the first: such a run must not delete. */
  readonly fallback: boolean;
  /** A directory of the package's own for the files of one run; a `make-directory` step makes it. */
  readonly work: string;
  /** A directory of the package's own whose files stay from run to run (lists, indexes); made likewise. */
  readonly cache: string;
  readonly site: Pick<Site, 'mirrorname' | 'hostname'> & Pick<Settings, 'ftpsync' | 'maintainer'>;
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
   * Mistakes by which the steps would not leave `pkg.nested` alone; asked where there is such a tree. Steps of a method
   * without this spare every one.
   */
  checkNested?(pkg: Package): readonly PackageFinding[];
  /** Steps of one run from `context.source`. */
  steps(pkg: Package, context: MethodContext): readonly Step[];
}

/** The first step of a method that writes files for its tool: an empty private directory, removed after the run. */
export function workDirectory(context: MethodContext): Step {
  return { kind: 'make-directory', path: context.work, empty: true };
}

/** The same for files that stay. */
export function cacheDirectory(context: MethodContext): Step {
  return { kind: 'make-directory', path: context.cache, empty: false };
}

/** A file for the tool that nobody else may read: its settings, mostly with a password. */
export function privateFile(path: string, content: WriteFileStep['content']): WriteFileStep {
  return { kind: 'write-file', path, mode: '0600', content };
}

/** `accept_exit` for the command that it is meant for, where there is one. */
export function accepted({ acceptExit }: Package): Pick<ExecStep, 'accept'> {
  return Object.keys(acceptExit).length > 0 ? { accept: acceptExit } : {};
}
