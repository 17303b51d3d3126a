import type { WriteFileStep } from '../job/step.js';
import type { Package, Source } from '../model/site.js';
import { mistake } from './findings.js';
import type { MethodContext, PackageFinding, SyncMethod } from './method.js';
import { networkFindings } from './rsync-connection.js';
import {
  dryRunFindings,
  isPlainPath,
  markerFindings,
  sourceFindings,
  stageFindings,
} from './rsync-findings.js';
import { withPrecheck } from './rsync-pass.js';
import type { Pass } from './rsync-pass.js';
import { stagedSteps } from './rsync-stages.js';
import type { StageSet } from './rsync-stages.js';
import { rsync } from './rsync.js';

/** Options of `synctype: "ubuntu"`, as its schema leaves them (defaults filled in). */
interface UbuntuOptions {
  readonly user?: string;
  readonly trace?: boolean;
  readonly trace_path?: string;
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
    const { extra_rsync_args = [] }: UbuntuOptions = pkg.options;
    return [
      ...sourceFindings(pkg),
      ...markerFindings(pkg),
      ...traceFindings(pkg),
      ...dryRunFindings('extra_rsync_args', extra_rsync_args),
      ...stageFindings('extra_rsync_args', extra_rsync_args),
      ...networkFindings(pkg),
    ];
  },
  steps: (pkg, context) => {
    const { trace = true }: UbuntuOptions = pkg.options;
    const steps = stagedSteps(passOf(pkg, context.source, context), stageSet(pkg.options), context);
    const written = trace ? [...steps, traceStep(pkg, context)] : steps;
    return withPrecheck(passOf(pkg, context.source, context), context.fallback, written);
  },
};

function passOf(pkg: Package, source: Source, context: MethodContext): Pass {
  const options: UbuntuOptions = pkg.options;
  return {
    pkg,
    source,
    base: BASE,
    // Ours, which upstream does not have.
    exclude: options.trace === false ? [] : [`/${traceFile(options, context)}`],
    extra: [
      ...(options.bwlimit === undefined ? [] : [`--bwlimit=${options.bwlimit}`]),
      ...(options.extra_rsync_args ?? []),
    ],
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

/** As `date -u` prints it, only after all went well: it says when this mirror was last synced. */
function traceStep(pkg: Package, context: MethodContext): WriteFileStep {
  return {
    kind: 'write-file',
    path: `${pkg.dst}/${traceFile(pkg.options, context)}`,
    mode: '0644',
    content: [{ value: 'date' }, '\n'],
    when_whole: true,
  };
}

function traceFile({ trace_path = 'project/trace' }: UbuntuOptions, { site }: MethodContext): string {
  return `${trace_path}/${site.hostname}`;
}

/** The trace's directory is below dst, whatever the config says. */
function traceFindings(pkg: Package): PackageFinding[] {
  const { trace = true, trace_path = 'project/trace' }: UbuntuOptions = pkg.options;
  if (!trace || isPlainPath(trace_path)) return [];
  const message = `\`${trace_path}\` is not a plain path below the mirror's root`;
  const help = 'give one such as `project/trace`';
  return [mistake('trace-path', '/settings/options/trace_path', message, help)];
}
