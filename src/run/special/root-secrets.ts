import { walkToTarget } from '../../boundary/held-path.js';
import { readSmallText } from '../../boundary/small-file.js';
import type { Job } from '../../job/job.js';
import { readSecretsWith } from '../secrets.js';
import type { Secret } from '../secrets.js';

/** Returns a job's secrets as root reads them for the run that it hands over. */
export function readSecretsAsRoot(job: Job): ReadonlyMap<string, Secret> {
  return readSecretsWith(job, process.env.CREDENTIALS_DIRECTORY, readAsRoot);
}

/**
 * Returns the text of a small file that only root may read, null if nothing is there. A file in a directory of another user
 * is not reached through a link: that user would be given whatever the link leads to. Throws UnfitPlace, UnfitFile, or the
 * system's error.
 */
export function readAsRoot(path: string, limitBytes: number): string | null {
  try {
    return walkToTarget(path, ({ held }) => readSmallText(held, { limitBytes }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
