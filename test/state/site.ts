import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layout, STATE_DIRECTORIES, type Layout } from '../../src/job/layout.js';
import { SITE_FORMAT, type PublishedPackage, type SiteFile } from '../../src/job/site-file.js';
import { bootId, processStart } from '../../src/system/process.js';
import type { ActiveRun, RunRecord } from '../../src/state/package-state.js';

/** Sunday 2026-11-22, 12:00 UTC: "now" of most tests. */
export const NOON = Date.UTC(2026, 10, 22, 12);

export const HOUR = 3_600_000;

/** An applied site in a fresh directory, with nothing run yet; the caller removes `layout.root`. */
export function makeSite(
  packages: readonly PublishedPackage[],
  parent = tmpdir(),
): { layout: Layout; site: SiteFile } {
  const paths = layout(mkdtempSync(join(parent, 'mirror-state-')));
  for (const name of STATE_DIRECTORIES) mkdirSync(join(paths.state, name), { recursive: true });
  mkdirSync(`${paths.compiled}/jobs`, { recursive: true });
  mkdirSync(`${paths.root}/www`);
  const site: SiteFile = {
    format: SITE_FORMAT,
    mirrorname: 'Example University Mirror',
    hostname: 'mirror.example.edu',
    node: 'alpha',
    timezone: 'Asia/Seoul',
    statusfile: `${paths.root}/www/status.json`,
    statfile: `${paths.state}/stat.json`,
    run_as: { user: 'mirror', group: 'mirror' },
    packages,
  };
  writeFileSync(paths.siteFile, JSON.stringify(site));
  return { layout: paths, site };
}

/** A package with a schedule, hourly. */
export function aPackage(id: string, change: Partial<PublishedPackage> = {}): PublishedPackage {
  return {
    id,
    name: id,
    href: `/${id}`,
    synctype: 'rsync',
    syncrate: 'PT1H',
    link: [],
    hidden: false,
    disabled: false,
    src: `rsync://upstream.example.org/${id}`,
    dst: `/srv/ftp/${id}`,
    options: {},
    stale_after: 86_400,
    ...change,
  };
}

/** A run of this very process: it lives. */
export function aRun(change: Partial<ActiveRun> = {}): ActiveRun {
  return {
    phase: 'running',
    pid: process.pid,
    pid_start: processStart(process.pid) ?? 0,
    boot_id: bootId(),
    started: NOON - 60_000,
    trigger: 'schedule',
    src: null,
    log: '/var/log/mirror/packages/now.log',
    until: null,
    ...change,
  };
}

/** A run that ended at `ended`. */
export function aRecord(
  outcome: RunRecord['outcome'],
  ended: number,
  change: Partial<RunRecord> = {},
): RunRecord {
  return {
    outcome,
    failure: outcome === 'failed' ? 'unavailable' : null,
    reason: null,
    exit: 0,
    trigger: 'schedule',
    started: ended - 60_000,
    ended,
    src: 'rsync://upstream.example.org/module',
    log: `/var/log/mirror/packages/${outcome}.log`,
    transfer: null,
    ...change,
  };
}

/** status.json as it is on disk now. */
export function publishedStatus(
  site: SiteFile,
): Record<string, Record<string, unknown> | undefined> & { readonly lists: string[] } {
  return JSON.parse(readFileSync(site.statusfile, 'utf8')) as never;
}
