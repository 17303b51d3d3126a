import { DELAYED_DIRECTORY, OWN_DIRECTORY, rsyncFilters } from '../job/never-upstream.js';
import type { ExecStep, Step } from '../job/step.js';
import type { Package, Source } from '../model/site.js';
import { countClosed } from './closed.js';
import { accepted } from './method.js';
import { rsyncSpares } from './nested.js';
import { connection, endpoint } from './rsync-connection.js';
import type { ConnectionOptions } from './rsync-connection.js';
import { withoutDeletes } from './rsync-words.js';

/** What the rsync calls of one run have in common, whichever part of the tree they are for. */
export interface Pass {
  readonly pkg: Package;
  readonly source: Source;
  /** Flags of every call, those between two directories of this host too. */
  readonly base: readonly string[];
  /** Patterns of what is left out, beside the marker and temporary files. */
  readonly exclude: readonly string[];
  /** Words for the calls to upstream: the site's own arguments, a bandwidth. */
  readonly extra: readonly string[];
  /** Words that delete what upstream no longer has. */
  readonly deletion: readonly string[];
  readonly connection: ConnectionOptions;
}

/** What makes a pass tell what it would do; `run/tools/dry-lines` reads it. */
export const DRY_RUN = ['--dry-run', '--out-format=%i %l %n'];

/**
 * The delete guard's number is the first word of all, where no option before it can take it as a value. The last one that
 * rsync is given holds, so no word of a site's may be another one (`rsync-findings`).
 */
export const DELETE_LIMIT = { flag: '--max-delete=', at: 1 };

/**
 * The last lines of a pass tell in plain numbers what it did; `run/tools/rsync-stats` reads them. Each name comes behind what
 * happened to it, so that no file of upstream's can be called like a message of rsync's.
 */
export const STATS = ['--stats', '--no-human-readable', '--out-format=%i %n'];

/**
 * Temporary files of rsync and of ours. The risk filter comes first: without it the exclude protects stale temporary
 * directories for ever.
 */
export const TEMPORARY = [`--filter=R ${DELAYED_DIRECTORY}/`, `--exclude=*${DELAYED_DIRECTORY}`];

/**
 * Permissions follow upstream, without set-id bits, which let a file's user act as its owner, and without write for others.
 * The owner may always write into a directory: the next run has to.
 */
export const PLAIN_MODES = '--chmod=ug-s,o-w,Du+w';

/** The same for a pass whose letters have no `p`. */
export const MODES = ['--perms', PLAIN_MODES];

/** Where an rsync that may delete puts what it deletes and replaces, until the guard has said yes: see `run/special/undo`. */
export function undoDirectory(dst: string): string {
  return `${dst}/${OWN_DIRECTORY}/undo`;
}

/**
 * Words for a pass that may delete: within the limit, a directory makes way for a file or link, too, and all that goes or
 * is replaced can be brought back.
 */
export function undoWords(dst: string): string[] {
  return ['--force', '--backup', `--backup-dir=${undoDirectory(dst)}`];
}

/** Seconds for a probe: one small file; mirror.py's numbers. */
const PROBE = { contimeout: 10, timeout: 60 };

/**
 * What comes before all words of the site's, because of filters the first that matches decides: other packages' trees and
 * names that are never upstream's are left alone, and the marker is installed after the pass, so that it never claims more
 * than dst holds.
 */
export function protectedNames({ pkg, base, extra, deletion }: Pass): string[] {
  const names = rsyncFilters([...base, ...deletion, ...extra]);
  return [...rsyncSpares(pkg), ...names, ...(pkg.precheck ? [`--exclude=/${pkg.precheck.file}`] : [])];
}

/** What else no pass may touch: temporary files, and what the site leaves out. */
export function filters({ exclude }: Pass): string[] {
  return [...TEMPORARY, ...exclude.map((pattern) => `--exclude=${pattern}`)];
}

/** A bandwidth and the site's own arguments. */
export function ownWords(bwlimit: string | undefined, args: readonly string[] = []): readonly string[] {
  return bwlimit === undefined ? args : [`--bwlimit=${bwlimit}`, ...args];
}

/**
 * The whole tree in one call: files as they come, and deletions when they are to be. The site's own arguments come after
 * ours, because of two values of an option rsync takes the last one; but before `STATS`, which they may not change.
 */
export function onePass(pass: Pass, deletions: boolean): ExecStep {
  const { flags, env, secret } = connection(pass.pkg, pass.source, pass.connection);
  const own = (words: readonly string[]): readonly string[] => (deletions ? words : withoutDeletes(words));
  const argv = [
    'rsync',
    ...protectedNames(pass),
    ...own(pass.base),
    ...filters(pass),
    ...(deletions ? [...pass.deletion, ...undoWords(pass.pkg.dst)] : []),
    ...flags,
    ...own(pass.extra),
    ...STATS,
  ];
  return {
    kind: 'exec',
    tool: 'rsync',
    argv: [...argv, withSlash(secret.url), withSlash(pass.pkg.dst)],
    ...env,
    ...secret.stdin,
    ...accepted(pass.pkg),
    ...(deletions ? { delete_limit: DELETE_LIMIT, undo: undoDirectory(pass.pkg.dst) } : {}),
    ...stalls(pass),
    dry_run: { at: argv.length, remove: 0, words: DRY_RUN },
  };
}

/** The time limit again: rsync does not notice that upstream hangs while it sends a file. A path has no upstream. */
export function stalls({
  source,
  connection: { timeout },
}: Pick<Pass, 'source' | 'connection'>): Pick<ExecStep, 'stall'> {
  return endpoint(source.url) === 'path' || timeout === 0 ? {} : { stall: timeout };
}

/**
 * The probe before the passes of `steps` and the marker after them, where the package has a precheck. A fallback may lag
 * behind: it does not move the marker, so the first source is asked in full again.
 */
export function withPrecheck(pass: Pass, fallback: boolean, steps: readonly Step[]): Step[] {
  const require: Step = { kind: 'require-directory', path: pass.pkg.dst };
  const { precheck } = pass.pkg;
  if (fallback) return [require, ...steps];
  const closed = countClosed(pass.pkg);
  if (!precheck) return [require, ...steps, closed];
  const marker: Step = { kind: 'install-marker', marker: precheck.file };
  return [require, probe(pass, precheck), ...steps, marker, closed];
}

/**
 * Fetches the marker into the (empty) working directory unless dst holds the same one: rsync prints its name only when
 * it transfers it, so no output means unchanged.
 */
function probe(pass: Pass, precheck: NonNullable<Package['precheck']>): Step {
  const { pkg, source } = pass;
  const { flags, env, secret } = connection(pkg, source, { ...pass.connection, ...PROBE });
  const file = (name: string): string => withSlash(secret.url) + name;
  const directory = precheck.file.includes('/')
    ? precheck.file.slice(0, precheck.file.lastIndexOf('/') + 1)
    : '';
  return {
    kind: 'probe',
    tool: 'rsync',
    argv: [
      'rsync',
      '--times',
      '--out-format=%n',
      `--compare-dest=${withSlash(pkg.dst)}${directory}`,
      ...flags,
      file(precheck.file),
      './',
    ],
    ...env,
    ...secret.stdin,
    marker: precheck.file,
    timeout: PROBE.timeout,
    full_every: precheck.fullEvery,
    always: precheck.always.map((name) => ({
      kind: 'exec',
      tool: 'rsync',
      argv: ['rsync', '--times', ...flags, file(name), withSlash(pkg.dst) + name],
      ...env,
      ...secret.stdin,
    })),
  };
}

export function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}
