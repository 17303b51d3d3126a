/**
 * For a tool that asks upstream only for what changed since its last run, in files of its own: when `text` (what the site
 * wants mirrored) is another one than at the run before, those files are removed, and the tool looks at everything again.
 * A `record` that is not there yet removes nothing: a mirror that was made without us goes on where it is.
 */
export interface ForgetIfChangedStep {
  readonly kind: 'forget-if-changed';
  /** Absolute, in a directory that `make-directory` made. */
  readonly record: string;
  readonly text: string;
  /** Absolute paths of the tool's own files. */
  readonly files: readonly string[];
}
