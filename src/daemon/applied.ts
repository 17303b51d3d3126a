import { statSync } from 'node:fs';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import type { SiteFile } from '../job/site-file.js';
import { readJob } from '../run/job-file.js';
import { readSiteFile } from '../state/site.js';

/** What an apply left for the daemon. */
export interface Applied {
  readonly site: SiteFile;
  /** The daemon's own packages: those that another scheduler was compiled for are not among them. */
  readonly jobs: ReadonlyMap<string, Job>;
  /** The job files' texts, to tell which changed. */
  readonly texts: ReadonlyMap<string, string>;
  /** Why some package cannot be run. */
  readonly problems: readonly string[];
}

/** Packages that came, changed or went between two applies, by id. */
export interface Difference {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** Reads what is applied, or null when nothing is. Throws when site.json is of another version. */
export function readApplied(layout: Layout): Applied | null {
  const site = readSiteFile(layout);
  if (site === null) return null;
  const jobs = new Map<string, Job>();
  const texts = new Map<string, string>();
  const problems: string[] = [];
  for (const { id } of site.packages) {
    try {
      const job = readJob(layout, id);
      if (job.scheduler !== 'daemon') continue;
      jobs.set(id, job);
      texts.set(id, JSON.stringify(job));
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  return { site, jobs, texts, problems };
}

/** Changes whenever an apply changes anything: the manifest is what it writes last. */
export function appliedStamp(layout: Layout): string {
  const stat = statSync(layout.manifest, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${String(stat.ino)} ${String(stat.mtimeNs)}`;
}

/** What differs between two applied states. Pure. */
export function difference(before: Applied, after: Applied): Difference {
  const [old, now] = [before.texts, after.texts];
  return {
    added: [...now.keys()].filter((id) => !old.has(id)),
    changed: [...now].filter(([id, text]) => old.has(id) && old.get(id) !== text).map(([id]) => id),
    removed: [...old.keys()].filter((id) => !now.has(id)),
  };
}
