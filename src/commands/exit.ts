/** Ends a command with an exit code; caught once, in `cli.ts`. A message, if any, goes to stderr. */
export class ExitError extends Error {
  constructor(
    readonly code: number,
    message = '',
  ) {
    super(message);
  }
}
