import { logBases, siteLogFile } from '../model/logs.js';
import type { Site } from '../model/site.js';
import type { Account } from '../boundary/as-user.js';
import type { Work } from './setup-work.js';
import { parseProblems } from './state-answers.js';
import { answerAs, type StateOrder } from './state-half.js';
import { closedPlaces, isShared, runAccounts, runPlaces } from './shared-places.js';

/**
 * Opens to the site's group `gid` what runs of several users write to: directories that setup made, and the folders that
 * runs made below the base of their logs. Any other directory that is closed to one of them is for a person.
 */
export function openPlaces(site: Site, gid: number, work: Work): void {
  const { system } = work;
  const bases = logBases(site.settings.logger);
  const closed = (): ReturnType<typeof closedPlaces> => closedPlaces(site, system.now(), system);
  const shut = isShared(site) ? closed() : [];
  for (const place of runPlaces(site.settings)) {
    const isOurs = work.record.directories.includes(place);
    const what = !bases.includes(place) ? 'place' : isOurs ? 'both' : 'folders';
    const isShut = shut.some(({ path }) => path === place || path.startsWith(`${place}/`));
    if (!isShut || (what === 'place' && !isOurs)) continue;
    for (const { user } of runAccounts(site)) {
      const owner = system.user(user);
      if (!owner || owner.uid === 0) continue;
      const opened = openAs({ user, group: gid }, { kind: 'open-directories', path: place, gid, what }, work);
      work.done.push(...(opened ?? []).map((path) => `opened ${path} to group ${String(site.settings.gid)}`));
    }
  }
  if (isShared(site)) openSiteLog(site, gid, work);
  for (const { path, users, sure, help } of closed()) {
    const may = sure ? 'cannot' : 'perhaps cannot';
    const what = users.length > 0 ? `${may} be written by ${users.join(', ')}` : 'does not hand its group on';
    work.problems.push(`${path} ${what}: ${help}`);
  }
}

/**
 * Makes the site's own log as the site's user, or opens to the group the one that he made when all runs were his: others
 * could not write there.
 */
function openSiteLog({ settings }: Site, gid: number, work: Work): void {
  const { system } = work;
  const [log, owner] = [siteLogFile(settings.logger), system.user(settings.uid)];
  if (log === null || !owner || owner.uid === 0) return;
  const facts = system.facts(log.path);
  if (facts !== null && facts.gid === gid && (facts.mode & 0o020) !== 0) return;
  const order = { kind: 'open-log', path: log.path, gid } as const;
  if (openAs({ user: settings.uid, group: gid }, order, work) !== null)
    work.done.push(`opened ${log.path} to group ${String(settings.gid)}`);
}

/**
 * Has a process of the account open what is its own: root does not follow what that user may put there meanwhile. Returns
 * what was opened, or null when that failed or this process cannot become the account.
 */
function openAs(
  account: Account,
  order: StateOrder & { readonly path: string },
  work: Work,
): string[] | null {
  if (work.system.askAs === null) return null;
  try {
    return parseProblems(answerAs(account, order, work.layout, work.system) ?? []);
  } catch (error) {
    const why = (error as Error).message;
    work.problems.push(`${order.path} cannot be opened to group ${String(account.group)}: ${why}`);
    return null;
  }
}
