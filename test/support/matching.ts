import { expect } from 'vitest';

/** Text that matches, typed as what it stands for: a member of what a test expects. */
export function matching(pattern: RegExp): string {
  return expect.stringMatching(pattern) as string;
}
