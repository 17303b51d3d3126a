import { siteLayout, type Layout } from '../job/layout.js';
import type { PublishedPackage, SiteFile } from '../job/site-file.js';
import { readJob } from '../run/job-file.js';
import { pushWords } from '../run/push-words.js';
import { requestRun } from '../run/request.js';
import { stopRun } from '../run/stop.js';
import { MAX_DEBOUNCE, pushNotBefore } from '../state/debounce.js';
import { overview } from '../state/overview.js';
import type { Request } from '../state/package-state.js';
import { readSiteFile } from '../state/site.js';
import { peekState, readHold } from '../state/store.js';
import { CommandError, type Handlers } from './connection.js';
import type { ListedPackage, Started, Stopped } from './client.js';

type Kwargs = Readonly<Record<string, unknown>>;

/**
 * The commands of the control socket for one asker, whom requests and stops name as `by`. Packages are those of the
 * applied site and nothing else can be named; what is run is what was applied.
 */
export function controlHandlers(layout: Layout, by: string): Handlers {
  return new Map<string, (kwargs: Kwargs) => unknown>([
    ['ping', () => 'pong'],
    ['list', () => appliedSite(layout).packages.map(listed)],
    ['status', (kwargs) => status(layout, kwargs)],
    ['start_sync', (kwargs) => start(layout, by, kwargs)],
    ['stop_sync', (kwargs) => stop(layout, by, kwargs)],
  ]);
}

function listed({ id, name, synctype, syncrate, disabled, hidden }: PublishedPackage): ListedPackage {
  return { id, name, synctype, syncrate, disabled, hidden };
}

function status(paths: Layout, kwargs: Kwargs): unknown {
  const site = appliedSite(paths);
  const layout = siteLayout(paths.root, site.packages);
  const ids = words(kwargs, 'ids');
  const packages = ids.length === 0 ? site.packages : ids.map((id) => packageOf(site, id));
  return overview(layout, site, packages, Date.now());
}

async function start(paths: Layout, by: string, kwargs: Kwargs): Promise<Started> {
  const pkg = packageOf(appliedSite(paths), kwargs.id);
  const { id } = pkg;
  const layout = siteLayout(paths.root, [pkg]);
  const at = Date.now();
  const hold = readHold(layout, id, at);
  if (hold !== null) throw new CommandError(409, `${id}: held by ${hold.by}`);
  const debounce = kwargs.debounce ?? 0;
  if (typeof debounce !== 'number' || !(debounce >= 0 && debounce <= MAX_DEBOUNCE))
    throw new CommandError(400, `\`debounce\` is no number of seconds up to ${String(MAX_DEBOUNCE)}`);
  const pushed = 'debounce' in kwargs || 'words' in kwargs;
  const not_before = pushed ? pushNotBefore(peekState(layout, id), debounce, at) : null;
  const { kept } = pushWords(words(kwargs, 'words'));
  const request: Request = {
    at,
    by,
    allow_deletes: null,
    ...(pushed && { push: true }),
    ...(not_before !== null && { not_before }),
    ...(kept.length > 0 && { words: kept }),
  };
  return { id, at, not_before, problem: await requestRun(layout, readJob(layout, id), request) };
}

async function stop(paths: Layout, by: string, kwargs: Kwargs): Promise<Stopped> {
  const pkg = packageOf(appliedSite(paths), kwargs.id);
  const { id } = pkg;
  const layout = siteLayout(paths.root, [pkg]);
  return { id, end: await stopRun(layout, readJob(layout, id), by) };
}

function appliedSite(layout: Layout): SiteFile {
  const site = readSiteFile(layout);
  if (site === null) throw new CommandError(404, 'nothing is applied here');
  return site;
}

function packageOf(site: SiteFile, id: unknown): PublishedPackage {
  if (typeof id !== 'string') throw new CommandError(400, '`id` is no string');
  const found = site.packages.find((pkg) => pkg.id === id);
  if (!found) throw new CommandError(404, `no package \`${clipped(id)}\` is applied here`);
  return found;
}

function words(kwargs: Kwargs, key: string): readonly string[] {
  const value = kwargs[key] ?? [];
  if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return value;
  throw new CommandError(400, `\`${key}\` is no list of strings`);
}

/** What somebody sent, fit for his terminal. */
function clipped(text: string): string {
  return text.slice(0, 64).replace(/[^ -~]/g, '?');
}
