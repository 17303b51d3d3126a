import type { Package } from '../model/site.js';
import type { MethodContext, SyncMethod } from './method.js';
import { connectionFindings } from './rsync-connection.js';
import {
  STAGES_OWN,
  exitFindings,
  markerFindings,
  sourceFindings,
  wordListFindings,
} from './rsync-findings.js';
import { ownWords, withPrecheck } from './rsync-pass.js';
import type { Pass } from './rsync-pass.js';
import { stagedSteps } from './rsync-stages.js';
import type { StageSet } from './rsync-stages.js';
import { rsync } from './rsync.js';
import { traceFile, traceFindings, traceSteps } from './trace.js';
import type { TraceOptions } from './trace.js';

/** Options of `synctype: "ubuntu"`, as its schema leaves them (defaults filled in). */
interface UbuntuOptions extends TraceOptions {
  readonly user?: string;
  readonly extra_rsync_args?: readonly string[];
  readonly stage1_excludes?: readonly string[];
  readonly bwlimit?: string;
  readonly timeout?: number;
  readonly contimeout?: number;
}

/** mirror.py's, which are those of Ubuntu's own script. */
const BASE = ['--recursive', '--times', '--links', '--safe-links', '--hard-links', '--verbose'];

/**
 * An Ubuntu archive as Ubuntu asks its mirrors to be synced: in two stages, deletions after the second, and a trace file
 * with the time (ubuntu-project-docs, mirror-scripts).
 */
export const ubuntu: SyncMethod = {
  name: 'ubuntu',
  tools: (pkg) => rsync.tools(pkg),
  check: (pkg) => {
    const { extra_rsync_args, trace }: UbuntuOptions = pkg.options;
    return [
      ...sourceFindings(pkg),
      ...markerFindings(pkg),
      ...(trace === false ? [] : traceFindings(pkg.options)),
      ...wordListFindings('extra_rsync_args', extra_rsync_args, STAGES_OWN),
      ...exitFindings(pkg),
      ...connectionFindings(pkg),
    ];
  },
  steps: (pkg, context) => {
    const pass = passOf(pkg, context);
    const steps = [
      ...stagedSteps(pass, stageSet(pkg.options), context),
      ...traceSteps(pkg, context.site.hostname),
    ];
    return withPrecheck(pass, context.fallback, steps);
  },
};

function passOf(pkg: Package, { source, site }: MethodContext): Pass {
  const options: UbuntuOptions = pkg.options;
  return {
    pkg,
    source,
    base: BASE,
    // Ours, which upstream does not have.
    exclude: options.trace === false ? [] : [`/${traceFile(options, site.hostname)}`],
    extra: ownWords(options.bwlimit, options.extra_rsync_args),
    deletion: ['--delete', '--delete-after'],
    connection: options,
  };
}

/** What the first stage leaves out; an Ubuntu archive has its indexes below dists. */
function stageSet({ stage1_excludes = [] }: UbuntuOptions): StageSet {
  const index = stage1_excludes.map((pattern) =>
    pattern.startsWith('/') ? pattern : `/dists/**/${pattern}`,
  );
  return { index, early: [], last: ['Release', 'Release.gpg', 'InRelease'] };
}
