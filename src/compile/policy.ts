import type { JobPolicy, SiteLog } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { realmLogBase, realmOf } from '../model/realm.js';
import type { FileFormat, Package, Site } from '../model/site.js';
import type { Scheduler } from '../schedulers/scheduler.js';
import { passwordFile } from './secret.js';

/** The part of a job that many have, and its lines in a job's file up to the end of the file. */
export interface SharedPolicy {
  readonly policy: JobPolicy;
  readonly text: string;
}

/** Makes packages' policies, one for all that have the same: of ten thousand jobs each is a third of the text. */
export function sharedPolicies(
  site: Site,
  scheduler: Scheduler,
  layout: Layout,
): (pkg: Package) => SharedPolicy {
  const numbers = new Map<object, number>();
  // What packages take over from the site is the same object in each of them.
  const number = (part: object): number => {
    const known = numbers.get(part) ?? numbers.size;
    numbers.set(part, known);
    return known;
  };
  const made = new Map<string, SharedPolicy>();
  return (pkg) => {
    const parts = [pkg.guard, pkg.retry, pkg.firstSync, pkg.resources, pkg.env, pkg.keep].map(number);
    const secret = passwordFile(pkg, layout);
    const { maxRuntime, logLimit, user, group, umask } = pkg;
    const key = JSON.stringify([parts, maxRuntime, logLimit, user, group, umask, secret]);
    let shared = made.get(key);
    if (!shared) {
      const policy = policyOf(site, pkg, scheduler, secret);
      shared = { policy, text: `${JSON.stringify(policy, null, 2).slice(2)}\n` };
      made.set(key, shared);
    }
    return shared;
  };
}

function policyOf({ settings }: Site, pkg: Package, scheduler: Scheduler, secret: string | null): JobPolicy {
  const { packagefileformat, fileformat, format, level } = settings.logger;
  const { base, folder, filename, gzip } = packagefileformat;
  const realm = realmOf(settings, pkg);
  return {
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
    run_as: {
      user: pkg.user,
      group: pkg.group,
      shared_group: realm === null ? settings.gid : pkg.group,
      umask: pkg.umask,
      ...(realm !== null && { realm: true }),
    },
    prefix: scheduler.prefix(pkg),
    env: pkg.env,
    secrets: secret === null ? {} : { password: secret },
    timezone: settings.localtimezone,
    log: {
      base: realm === null ? base : realmLogBase(base, realm),
      folder,
      filename,
      gzip,
      keep: pkg.keep,
      max_size: pkg.logLimit,
      console_format: settings.logger.packageformat,
      console_level: settings.logger.packagelevel,
      // Its directory is the site's user's, where a user with a realm writes nothing.
      ...(fileformat === null || realm !== null ? {} : { site: siteLog(fileformat, format, level) }),
    },
  };
}

function siteLog({ base, folder, filename }: FileFormat, format: string, level: string): SiteLog {
  return { base, folder, filename, format, level };
}
