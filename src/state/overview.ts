import type { Layout } from '../job/layout.js';
import type { PublishedPackage, SiteFile } from '../job/site-file.js';
import type { Published } from './outputs/output.js';
import { published } from './publish.js';
import { findOddFiles, SITE } from './odd-files.js';
import { lookAtState, readHold } from './store.js';
import { waitsFor } from './waits-for.js';

/** One package of `mirror status --json` and of the control socket; times are ISO 8601 in UTC. */
export type OverviewRow = ReturnType<typeof overviewRow> & {
  /** What lies in the place of the package's files and is not read: a path and why. */
  readonly unreadable: readonly string[];
};

/** What `mirror status --json` prints and the control socket answers. */
export interface Overview {
  readonly format: 'mirror/status/1';
  readonly mirrorname: string;
  /** IANA zone of the site. */
  readonly timezone: string;
  readonly at: string;
  /** What lies in the place of a file that all packages share, and is not read: a path and why. */
  readonly unreadable: readonly string[];
  readonly packages: readonly OverviewRow[];
}

/** How these packages are at `now` (epoch ms), hidden ones too: it is for operators. Throws the system's error. */
export function overview(
  layout: Layout,
  site: SiteFile,
  packages: readonly PublishedPackage[],
  now: number,
): Overview {
  const odd = findOddFiles(layout);
  const rows = packages.map((pkg) => ({
    ...overviewRow(look(layout, pkg, now), layout),
    unreadable: odd.get(pkg.id) ?? [],
  }));
  return {
    format: 'mirror/status/1',
    mirrorname: site.mirrorname,
    timezone: site.timezone,
    at: new Date(now).toISOString(),
    unreadable: odd.get(SITE) ?? [],
    packages: rows,
  };
}

function look(layout: Layout, pkg: PublishedPackage, now: number): Published {
  return published(layout, pkg, lookAtState(layout, pkg.id), readHold(layout, pkg.id, now), now);
}

function overviewRow({ pkg, state, view }: Published, layout: Layout) {
  const { last } = state;
  return {
    id: pkg.id,
    name: pkg.name,
    status: view.word,
    published: view.published,
    since: iso(view.since),
    reason: view.reason,
    hidden: pkg.hidden,
    synctype: pkg.synctype,
    syncrate: pkg.syncrate,
    src: pkg.src,
    dst: pkg.dst,
    stale_after: pkg.stale_after,
    stale: view.stale,
    run: view.run && {
      phase: view.run.phase,
      pid: view.run.pid,
      trigger: view.run.trigger,
      started: iso(view.run.started),
      until: iso(view.run.until),
      waits_for: view.run.phase === 'waiting' ? waitsFor(layout, pkg.id) : null,
      src: view.run.src,
      log: view.run.log,
    },
    last: last && { ...last, started: iso(last.started), ended: iso(last.ended) },
    last_success: iso(state.last_success),
    last_full: iso(state.last_full),
    last_error: iso(state.last_error),
    errors: state.errors,
    size: state.size,
    omissions: state.omissions ?? [],
    upstream_time: state.freshness ? iso(state.freshness.time) : null,
    upstream_old: view.upstreamOld,
    blocked: state.blocked && { ...state.blocked, since: iso(state.blocked.since) },
  };
}

function iso(at: null): null;
function iso(at: number): string;
function iso(at: number | null): string | null;
function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
