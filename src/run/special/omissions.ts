import type { Omission, OmissionKind } from '../../job/omission.js';
import { toPlainText } from '../../job/plain-text.js';

/** Names that a message shows as examples; the log has all of them. */
export const EXAMPLES = 3;

/** Characters of a name, which upstream chose, in a line for people. */
const LONGEST_NAME = 120;

/** What is known of an omission. */
export interface OmissionFacts {
  /** Null: the tool does not tell how many. */
  readonly count: number | null;
  /** Names that the tool printed, in any number. */
  readonly names?: readonly string[];
  /** Why, in a few words: `upstream was not read whole`. */
  readonly why?: string;
}

/** Makes the record of what a run did not do. Returns nothing for a count of 0. */
export function omission(kind: OmissionKind, { count, names = [], why }: OmissionFacts): Omission[] {
  if (count === 0) return [];
  const examples = names.slice(0, EXAMPLES).map((name) => toPlainText(name).slice(0, LONGEST_NAME));
  const more = count !== null && count > examples.length && examples.length > 0 ? ', …' : '';
  const shown = examples.length === 0 ? '' : `: ${examples.join(', ')}${more}`;
  const because = why === undefined ? '' : ` (${why})`;
  return [{ kind, count, examples, text: `${WORDS[kind](count)}${because}${shown}` }];
}

const WORDS: Readonly<Record<OmissionKind, (count: number | null) => string>> = {
  deletions: (count) =>
    `deletions were skipped${count === null ? '' : `, ${many(count, 'entry stays', 'entries stay')}`}`,
  refused: (count) => `upstream refused ${many(count, 'file', 'files')}`,
  unread: (count) => `${many(count, 'directory was', 'directories were')} not read`,
  closed: (count) => `other users cannot read ${many(count, 'file or directory', 'files and directories')}`,
  'left-out': (count) => `${many(count, 'file was', 'files were')} left out`,
};

function many(count: number | null, one: string, several: string): string {
  return count === null ? `some ${several}` : `${String(count)} ${count === 1 ? one : several}`;
}
