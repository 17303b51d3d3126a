import { mkdirSync, rmSync } from 'node:fs';
import type { Job } from '../job/job.js';
import type { ExecStep } from '../job/step.js';

/**
 * Makes a home directory for a package's tools, with an empty directory for temporary files, which no other user may read.
 * What lies in `home` stays from run to run.
 */
export function makeHome(home: string): void {
  removeTemporary(home);
  for (const path of [home, temporaryIn(home)]) mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Removes what tools left in their directory for temporary files. */
export function removeTemporary(home: string): void {
  rmSync(temporaryIn(home), { recursive: true, force: true });
}

/**
 * Returns the environment of a step's tool: small and the same on every backend, so that what was reviewed is what runs.
 * Settings, caches and temporary files lie below `home`, a directory of the package's own, because a file such as ~/.popt
 * or ~/.wgetrc in the user's home, which every package's tool may write, would change what other tools do. What the config
 * or the step says of a variable wins.
 */
export function toolEnvironment(
  job: Pick<Job, 'env'>,
  step: Pick<ExecStep, 'env'>,
  home: string,
): Record<string, string> {
  const chosen = { ...job.env, ...step.env };
  const [base, temporary] = [chosen.HOME ?? home, temporaryIn(home)];
  return {
    PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: base,
    XDG_CONFIG_HOME: `${base}/.config`,
    XDG_CACHE_HOME: `${base}/.cache`,
    TMPDIR: temporary,
    TMP: temporary,
    TEMP: temporary,
    // Messages in English, because their text decides; names in UTF-8.
    LC_ALL: 'C.UTF-8',
    ...chosen,
  };
}

function temporaryIn(home: string): string {
  return `${home}/tmp`;
}
