import type { Job } from '../../job/job.js';
import { latin1 } from './names.js';

/** The trees of other packages below a job's dst, which no deletion touches. Paths have one byte of a name a character. */
export class Nested {
  private readonly paths: readonly string[];

  constructor({ nested = [] }: Pick<Job, 'nested'>) {
    this.paths = nested.map(latin1);
  }

  /** Whether a path relative to dst is such a tree, or lies in one. */
  covers(path: string): boolean {
    return this.paths.some((tree) => path === tree || path.startsWith(`${tree}/`));
  }

  /** Whether such a tree lies below a directory relative to dst. */
  isBelow(directory: string): boolean {
    return this.paths.some((tree) => tree.startsWith(`${directory}/`));
  }
}
