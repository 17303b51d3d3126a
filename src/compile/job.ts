import { JOB_FORMAT, type Attempt, type Job, type JobPolicy } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { Step } from '../job/step.js';
import type { SyncMethod } from '../methods/method.js';
import type { Package, Site, Source } from '../model/site.js';
import type { Scheduler } from '../schedulers/scheduler.js';
import { sharedPolicies } from './policy.js';

/** A package without a source (`local`) still has one attempt. */
const NO_SOURCE: Source = { url: '', publicUrl: '', host: null };

/** A job, and what makes the text of its file. */
export interface CompiledJob {
  readonly job: Job;
  readonly text: () => string;
}

/** Compiles packages to everything the executor needs to know about each; keys in a fixed order, so that jobs can be diffed. */
export function jobCompiler(
  site: Site,
  scheduler: Scheduler,
  layout: Layout,
): (pkg: Package, method: SyncMethod) => CompiledJob {
  const policyOf = sharedPolicies(site, scheduler, layout);
  return (pkg, method) => {
    const sources = pkg.sources.length > 0 ? pkg.sources : [NO_SOURCE];
    const own: Omit<Job, keyof JobPolicy> = {
      format: JOB_FORMAT,
      id: pkg.id,
      name: pkg.name,
      method: pkg.synctype,
      node: site.node,
      scheduler: scheduler.name,
      unit: scheduler.unit(pkg.id),
      dst: pkg.dst,
      ...(pkg.keepDeleted === null ? {} : { keep_deleted: pkg.keepDeleted }),
      ...(pkg.nested === undefined ? {} : { nested: pkg.nested }),
      // Nothing starts a disabled package on its own; a person still can.
      schedule: pkg.disabled
        ? { rule: { kind: 'none' }, windows: [], zone: pkg.schedule.zone }
        : pkg.schedule,
      min_gap: pkg.minGap,
      attempts: sources.map((source, index): Attempt => ({
        src: source.publicUrl,
        upstream: source.host,
        steps: [...steps(site, pkg, method, layout, source, index > 0), ...freshness(pkg)],
      })),
    };
    const { policy, text } = policyOf(pkg);
    const job: Job = Object.assign(own, policy);
    return { job, text: () => jobText(job, text) };
  };
}

/** One JSON text made of two: a job's own part without its end, and the lines of its policy. */
function jobText(job: Job, policy: string): string {
  const { format, id, name, method, node, scheduler, unit, dst, keep_deleted, nested, schedule } = job;
  const place = { dst, keep_deleted, nested, schedule };
  const { min_gap, attempts } = job;
  const own = { format, id, name, method, node, scheduler, unit, ...place, min_gap, attempts };
  return `${JSON.stringify(own, null, 2).slice(0, -2)},\n${policy}`;
}

function steps(
  { mirrorname, hostname, settings: { ftpsync, maintainer } }: Site,
  pkg: Package,
  method: SyncMethod,
  layout: Layout,
  source: Source,
  fallback: boolean,
): readonly Step[] {
  return method.steps(pkg, {
    source,
    fallback,
    work: layout.workDirectory(pkg.id),
    cache: layout.cacheDirectory(pkg.id),
    site: { mirrorname, hostname, ftpsync, maintainer },
  });
}

function freshness(pkg: Package): readonly Step[] {
  return pkg.freshness.map(({ file, format, maxAge, monotonic }) => {
    const path = `${pkg.dst}/${file}`;
    return {
      kind: 'check-freshness',
      path,
      ...(pkg.freshness.length > 1 ? { marker: file } : {}),
      format,
      max_age: maxAge,
      monotonic,
      refuse: false,
    };
  });
}
