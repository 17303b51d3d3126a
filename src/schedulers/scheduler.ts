import type { Artifact } from '../compile/artifact.js';
import type { Finding } from '../diagnostics/diagnostic.js';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { Package, Site } from '../model/site.js';

/** What a scheduler may use beside the site. */
export interface SchedulerContext {
  readonly layout: Layout;
  /** Absolute path that units and cron lines call. */
  readonly executable: string;
  /** Addresses of the machine's name servers, which its units may reach. */
  readonly nameServers: readonly string[];
  /** Compiled jobs by package id, in the site's order; only these packages are scheduled. */
  readonly jobs: ReadonlyMap<string, Job>;
}

/** A target for schedules: Site → artifacts, pure. Adding one is a folder and a line in `schedulers/index.ts`. */
export interface Scheduler {
  readonly name: 'systemd' | 'crontab' | 'daemon';
  /** Name of the unit that runs a package, or null where there are no units. */
  unit(id: string): string | null;
  /** Words in front of every argv (nice and ionice where the scheduler cannot set them). */
  prefix(pkg: Package): readonly string[];
  artifacts(site: Site, context: SchedulerContext): readonly Artifact[];
  /**
   * What this scheduler cannot enforce of the config, as warnings for `plan`; what its grammar cannot hold, as errors:
   * then `artifacts` is not called.
   */
  findings(site: Site, context: SchedulerContext): readonly Finding[];
}
