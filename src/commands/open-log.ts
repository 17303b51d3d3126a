import { openFileBelow, UnfitFile } from '../boundary/regular-file.js';
import type { Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { JobFileError, readJob } from '../run/job-file.js';
import { unlessGone } from '../system/if-there.js';
import { ExitError } from './exit.js';

/** A log that is open for reading. */
export interface OpenLog {
  readonly path: string;
  readonly fd: number;
}

/**
 * Opens a log that a package's state or history names, or the compressed file that took its place. Any tool of the mirror
 * user could have written that name: only a regular file that really lies below the log folders of the applied job is
 * opened. Throws ExitError: 66 when it is gone, 77 when it is something else.
 */
export function openLog(layout: Layout, id: string, log: string): OpenLog {
  const bases = logFolders(layout, id);
  for (const path of [log, `${log}.gz`]) {
    const fd = openBelow(path, bases, id);
    if (fd !== null) return { path, fd };
  }
  throw new ExitError(EXIT.noInput, `mirror: ${log} is gone: logs are pruned by logger.keep`);
}

function logFolders(layout: Layout, id: string): string[] {
  try {
    const { base, site } = readJob(layout, id).log;
    return site === undefined ? [base] : [base, site.base];
  } catch (error) {
    if (error instanceof JobFileError) throw new ExitError(error.code, `mirror: ${error.message}`);
    throw error;
  }
}

function openBelow(path: string, bases: readonly string[], id: string): number | null {
  try {
    return unlessGone(() => openFileBelow(path, bases));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return null;
    if (error instanceof UnfitFile) {
      const help = 'look at what names it: mirror history --json, mirror status --json';
      throw new ExitError(
        EXIT.needsPerson,
        `mirror: the log of ${id} is not shown: ${error.message}\n  help: ${help}`,
      );
    }
    throw new ExitError(EXIT.io, `mirror: ${path}: ${(error as Error).message}`);
  }
}
