import type { FailureKind } from '../../../job/outcome.js';

/** What is wrong with an apt repository that was fetched; the proof's own error, which its step turns into an outcome. */
export class Wrong extends Error {
  constructor(
    readonly failure: FailureKind,
    message: string,
  ) {
    super(message);
  }
}
