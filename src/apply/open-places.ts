import { logBases, siteLogFile } from '../model/logs.js';
import type { Site } from '../model/site.js';
import type { Owner } from '../system/system.js';
import type { Work } from './setup-work.js';
import { closedPlaces, isShared, runAccounts, runPlaces } from './shared-places.js';

/**
 * Opens to the site's group `gid` what runs of several users write to: directories that setup made, and the folders that
 * runs made below the base of their logs. Any other directory that is closed to one of them is for a person.
 */
export async function openPlaces(site: Site, gid: number, work: Work): Promise<void> {
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
      const { stdout } = await system.run(opening(place, owner, gid, what));
      const opened = stdout.split('\n').filter(Boolean);
      work.done.push(...opened.map((path) => `opened ${path} to group ${String(site.settings.gid)}`));
    }
  }
  if (isShared(site)) await openSiteLog(site, gid, work);
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
async function openSiteLog({ settings }: Site, gid: number, work: Work): Promise<void> {
  const { system } = work;
  const [log, owner] = [siteLogFile(settings.logger), system.user(settings.uid)];
  if (log === null || !owner || owner.uid === 0) return;
  const facts = system.facts(log.path);
  if (facts !== null && facts.gid === gid && (facts.mode & 0o020) !== 0) return;
  const { code } = await system.run([
    ...as(owner, gid),
    ...['sh', '-c', 'umask 002; mkdir -p "${1%/*}" && : >>"$1" && chmod g+w "$1"', 'sh', log.path],
  ]);
  const group = `group ${String(settings.gid)}`;
  if (code === 0) work.done.push(`opened ${log.path} to ${group}`);
  else work.problems.push(`${log.path} cannot be opened to ${group}: move it away and run setup again`);
}

/**
 * Words that open directories of a user's to the site's group as that user: root does not follow what he might put there
 * meanwhile. They print what they open: the place, the folders in it, or both.
 */
function opening(path: string, owner: Owner, gid: number, what: 'place' | 'folders' | 'both'): string[] {
  const [user, group] = [String(owner.uid), String(gid)];
  const depth = what === 'place' ? ['-maxdepth', '0'] : what === 'folders' ? ['-mindepth', '1'] : [];
  const shut = `-type d -uid ${user} ( ! -perm -2070 -o ! -gid ${group} ) -print`;
  const open = `-exec chgrp ${group} {} + -exec chmod g+rwxs {} +`;
  return [...as(owner, gid), 'find', path, ...depth, ...`${shut} ${open}`.split(' ')];
}

function as({ uid }: Owner, gid: number): string[] {
  return ['setpriv', `--reuid=${String(uid)}`, `--regid=${String(gid)}`, '--clear-groups'];
}
