import { JOB_FORMAT, type Attempt, type Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { Step } from '../job/step.js';
import type { SyncMethod } from '../methods/method.js';
import type { Package, Site, Source } from '../model/site.js';
import type { Scheduler } from '../schedulers/scheduler.js';
import { passwordFile } from './secret.js';

/** A package without a source (`local`) still has one attempt. */
const NO_SOURCE: Source = { url: '', publicUrl: '', host: null };

/** Everything the executor needs to know about one package; keys in a fixed order, so that jobs can be diffed. */
export function compileJob(
  site: Site,
  pkg: Package,
  method: SyncMethod,
  scheduler: Scheduler,
  layout: Layout,
): Job {
  const { settings } = site;
  const { base, folder, filename, gzip } = settings.logger.packagefileformat;
  const sources = pkg.sources.length > 0 ? pkg.sources : [NO_SOURCE];
  const secret = passwordFile(pkg, layout);
  return {
    format: JOB_FORMAT,
    id: pkg.id,
    name: pkg.name,
    method: pkg.synctype,
    node: site.node,
    scheduler: scheduler.name,
    unit: scheduler.unit(pkg.id),
    dst: pkg.dst,
    // Nothing starts a disabled package on its own; a person still can.
    schedule: pkg.disabled ? { rule: { kind: 'none' }, windows: [], zone: pkg.schedule.zone } : pkg.schedule,
    min_gap: pkg.minGap,
    attempts: sources.map((source, index): Attempt => ({
      src: source.publicUrl,
      upstream: source.host,
      steps: [
        ...method.steps(pkg, {
          source,
          fallback: index > 0,
          work: layout.workDirectory(pkg.id),
          cache: layout.cacheDirectory(pkg.id),
          site: {
            mirrorname: site.mirrorname,
            hostname: site.hostname,
            ftpsync: settings.ftpsync,
            maintainer: settings.maintainer,
          },
        }),
        ...freshness(pkg),
      ],
    })),
    guard: {
      deletes: pkg.guard.deletes,
      ratio: pkg.guard.ratio,
      min_free: pkg.guard.minFree,
      mount: pkg.guard.mount,
    },
    retry: { delay: pkg.retry.delay, attempts: pkg.retry.attempts, max_delay: pkg.retry.maxDelay },
    max_runtime: pkg.maxRuntime,
    first_sync: { max_runtime: pkg.firstSync.maxRuntime },
    limits: settings.limits,
    run_as: { user: pkg.user, group: pkg.group, shared_group: settings.gid, umask: pkg.umask },
    prefix: scheduler.prefix(pkg),
    env: pkg.env,
    secrets: secret === null ? {} : { password: secret },
    timezone: settings.localtimezone,
    log: {
      base,
      folder,
      filename,
      gzip,
      keep: pkg.keep,
      console_format: settings.logger.packageformat,
      console_level: settings.logger.packagelevel,
    },
  };
}

/** The last step of every method: how old upstream itself is. */
function freshness(pkg: Package): readonly Step[] {
  if (pkg.freshness === null) return [];
  const { file, format, maxAge, monotonic } = pkg.freshness;
  const path = `${pkg.dst}/${file}`;
  return [{ kind: 'check-freshness', path, format, max_age: maxAge, monotonic, refuse: false }];
}
