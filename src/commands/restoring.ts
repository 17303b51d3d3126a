import { relative, resolve } from 'node:path';
import { EXIT } from '../job/outcome.js';
import type { Job } from '../job/job.js';
import { jsonText } from '../job/plain-text.js';
import { readJob } from '../run/job-file.js';
import { keptIn, restoreKept } from '../run/special/kept.js';
import { tryLock } from '../system/flock.js';
import { appliedSite, layoutOf, selectPackages } from './applied-site.js';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';
import { plain } from './table.js';

interface Choice extends GlobalOptions {
  readonly id: string;
  readonly path?: string | undefined;
}

/** Paths that are printed one by one. */
const SHOWN = 20;

/** The user that a package's runs have; null when it is not applied, which the command itself says. */
export function userOfPackage(options: Choice): Job['run_as'] | null {
  try {
    return readJob(layoutOf(options), options.id).run_as;
  } catch {
    return null;
  }
}

/**
 * `mirror restore ID [PATH]`: moves what is kept back to its place in dst, and says what. Throws ExitError 64 for a path
 * outside of dst, 66 when nothing of it is kept, 75 while a run of the package is in progress.
 */
export function restore(options: Choice): void {
  const { layout, site } = appliedSite(options);
  const [pkg] = selectPackages(site, [options.id]);
  const id = pkg?.id ?? options.id;
  const { dst } = readJob(layout, id);
  const path = pathBelow(dst, options.path ?? '');
  const lock = tryLock(layout.runLock(id));
  if (lock === null) {
    const help = `wait for it, or end it: mirror stop ${id}`;
    throw new ExitError(EXIT.busy, `mirror: a run of ${id} is in progress; ${help}`);
  }
  try {
    const isKept = keptIn(dst).length > 0;
    const { restored, taken } = restoreKept(dst, path);
    if (restored.length + taken.length === 0) throw nothingKept(id, path, isKept);
    print(options, { id, restored, taken });
  } finally {
    lock.release();
  }
}

/** A path as the operator gave it, absolute or relative to dst; '' for all of dst. */
function pathBelow(dst: string, given: string): string {
  const path = relative(dst, resolve(dst, given));
  if (path === '..' || path.startsWith('../')) {
    throw new ExitError(EXIT.usage, `mirror: ${plain(given)} is not below ${plain(dst)}`);
  }
  return path;
}

function nothingKept(id: string, path: string, isKept: boolean): ExitError {
  const what = path === '' ? '' : ` of ${plain(path)}`;
  const help = isKept ? '' : '; `keep_deleted` in the package keeps what later runs delete, e.g. "P3D"';
  return new ExitError(EXIT.noInput, `mirror: ${id}: nothing${what} is kept${help}`);
}

function print(
  { json }: Choice,
  { id, restored, taken }: { id: string; restored: readonly string[]; taken: readonly string[] },
): void {
  if (json) {
    process.stdout.write(
      `${jsonText({ format: 'mirror/restore/1', id, restored, not_restored: taken }, 2)}\n`,
    );
    return;
  }
  for (const path of restored.slice(0, SHOWN)) process.stdout.write(`  ${plain(path)}\n`);
  if (restored.length > SHOWN) process.stdout.write(`  and ${String(restored.length - SHOWN)} more\n`);
  const there = taken.length === 0 ? '' : `; ${String(taken.length)} not: something else is in their place`;
  process.stdout.write(`${id}: ${String(restored.length)} restored${there}\n`);
  process.stderr.write(
    `mirror: the next run deletes what upstream does not have; to prevent that: mirror hold ${id}\n`,
  );
}
