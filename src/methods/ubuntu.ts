import type { Package } from '../model/site.js';
import type { MethodContext, Options, SyncMethod } from './method.js';
import { clearedFilters } from './nested.js';
import { connectionFindings } from './rsync-connection.js';
import {
  STAGES_OWN,
  exitFindings,
  markerFindings,
  sourceFindings,
  wordListFindings,
} from './rsync-findings.js';
import { MODES, ownWords, withPrecheck } from './rsync-pass.js';
import type { Pass } from './rsync-pass.js';
import { stagedSteps } from './rsync-stages.js';
import type { StageSet } from './rsync-stages.js';
import { rsync } from './rsync.js';
import { traceFile, traceFindings, traceSteps } from './trace.js';

/** mirror.py's, which are those of Ubuntu's own script, and upstream's permissions. */
const BASE = ['--recursive', '--times', '--links', '--safe-links', '--hard-links', '--verbose', ...MODES];

/**
 * An Ubuntu archive as Ubuntu asks its mirrors to be synced: in two stages, deletions after the second, and a trace file
 * with the time (ubuntu-project-docs, mirror-scripts).
 */
export const ubuntu: SyncMethod = {
  name: 'ubuntu',
  tools: (pkg) => rsync.tools(pkg),
  check: (pkg) => {
    const options = pkg.options as Options<'ubuntu'>;
    return [
      ...sourceFindings(pkg),
      ...markerFindings(pkg),
      ...(options.trace ? traceFindings(options) : []),
      ...wordListFindings('extra_rsync_args', options.extra_rsync_args, STAGES_OWN),
      ...exitFindings(pkg),
      ...connectionFindings(pkg),
    ];
  },
  checkNested: clearedFilters,
  steps: (pkg, context) => {
    const pass = passOf(pkg, context);
    const steps = [
      ...stagedSteps(pass, { ...stageSet(pkg.options as Options<'ubuntu'>), isApt: true }, context),
      ...traceSteps(pkg, context.site.hostname),
    ];
    return withPrecheck(pass, context.fallback, steps);
  },
};

function passOf(pkg: Package, { source, site }: MethodContext): Pass {
  const options = pkg.options as Options<'ubuntu'>;
  return {
    pkg,
    source,
    base: BASE,
    // Ours, which upstream does not have.
    exclude: options.trace ? [`/${traceFile(options, site.hostname)}`] : [],
    extra: ownWords(options.bwlimit, options.extra_rsync_args),
    deletion: ['--delete', '--delete-after'],
    connection: options,
  };
}

/**
 * What the first stage leaves out: all below dists, where an Ubuntu archive has its indexes, but for files that are named
 * after their content.
 */
function stageSet({ stage1_excludes }: Options<'ubuntu'>): StageSet {
  const elsewhere = stage1_excludes.filter((pattern) => pattern.startsWith('/'));
  const index = ['/dists/', ...elsewhere.filter((pattern) => pattern !== '/dists/')];
  return { index, early: ['by-hash/'], last: ['Release', 'Release.gpg', 'InRelease'] };
}
