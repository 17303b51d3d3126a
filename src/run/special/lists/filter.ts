import type { ListChangesStep } from '../../../job/list-step.js';
import { latin1 } from '../names.js';
import type { ListLine } from './entry.js';

/** Which entries of a list are to be in dst; `directory` is that of the list, ending in `/` unless it is dst itself. */
export interface ListFilter {
  readonly wants: (entry: Extract<ListLine, { kind: 'entry' }>, directory: string) => boolean;
  /** For what has a path only: nothing of it is known but its name. */
  readonly wantsPath: (path: string) => boolean;
}

/** What the step's options leave of a list. The lists themselves are never entries: they are installed last. */
export function listFilter(step: ListChangesStep): ListFilter {
  const own = new Set([...step.lists.map(({ file }) => file), ...step.extra].map(latin1));
  const exclude = step.exclude.map((pattern) => new RegExp(latin1(pattern)));
  const wantsPath = (path: string): boolean => !own.has(path) && !exclude.some((regex) => regex.test(path));
  return {
    wantsPath,
    wants: ({ type, mark, path }, directory) => {
      if (mark !== null && !step.restricted) return false;
      // A pattern for directories ends in a slash.
      return wantsPath(directory + path) && (type !== 'directory' || wantsPath(`${directory}${path}/`));
    },
  };
}
