import type { Finding } from '../diagnostics/diagnostic.js';
import type { Job } from '../job/job.js';
import { layout as layoutOf } from '../job/layout.js';
import type { Layout } from '../job/layout.js';
import { methods } from '../methods/index.js';
import { siteOwners } from '../model/realm.js';
import type { Site } from '../model/site.js';
import { schedulers } from '../schedulers/index.js';
import { RenderedFile, type Artifact } from './artifact.js';
import { jobCompiler } from './job.js';
import { secretArtifact, webhookArtifact } from './secret.js';
import { compileSiteFile } from './site-file.js';

/** What a compile may know beside the site. */
export interface CompileOptions {
  readonly layout: Pick<Layout, 'root'>;
  /** Absolute path that units and cron lines call. */
  readonly executable: string;
  /** Addresses of the machine's name servers. */
  readonly nameServers: readonly string[];
}

export interface Compilation {
  /** Sorted by path. */
  readonly artifacts: readonly Artifact[];
  /** By package id, in config order. */
  readonly jobs: ReadonlyMap<string, Job>;
  /** What the scheduler cannot express or enforce. With an error among them nothing may be applied. */
  readonly findings: readonly Finding[];
}

/**
 * Compiles a site for its scheduler. Pure and repeatable: the same site gives the same bytes, whenever and by whatever
 * version's build, so that an apply changes only what the config changed.
 */
export function compile(
  site: Site,
  { layout: { root }, executable, nameServers }: CompileOptions,
): Compilation {
  const layout = layoutOf(root, siteOwners(site));
  const scheduler = schedulers[site.settings.scheduler];
  const compileJob = jobCompiler(site, scheduler, layout);
  const jobs = new Map<string, Job>();
  const artifacts: Artifact[] = [];
  for (const pkg of site.packages) {
    const method = methods.get(pkg.synctype);
    if (!method) throw new Error(`no method for synctype ${pkg.synctype}`);
    const { job, text } = compileJob(pkg, method);
    jobs.set(pkg.id, job);
    artifacts.push(new RenderedFile(layout.job(pkg.id), pkg.id, text));
    const secret = secretArtifact(pkg, layout);
    if (secret) artifacts.push(secret);
  }
  const webhook = webhookArtifact(site, layout);
  if (webhook) artifacts.push(webhook);
  const siteFile = (): string => `${JSON.stringify(compileSiteFile(site, layout), null, 2)}\n`;
  artifacts.push(new RenderedFile(layout.siteFile, null, siteFile));
  const context = { layout, executable, nameServers, jobs };
  const findings = scheduler.findings(site, context);
  // Text that a grammar refuses is an error finding; there is no safe way to write it down.
  if (!findings.some(({ severity }) => severity === 'error'))
    artifacts.push(...scheduler.artifacts(site, context));
  return { artifacts: artifacts.sort(byPath), jobs, findings };
}

/** No two have the same. */
function byPath(a: Artifact, b: Artifact): number {
  return a.path < b.path ? -1 : 1;
}
