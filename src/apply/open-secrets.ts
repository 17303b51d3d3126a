import { dirname } from 'node:path';
import { giveTo, setMode } from '../boundary/advice.js';
import type { Job } from '../job/job.js';
import type { Package, Site } from '../model/site.js';
import type { OpenSecret } from '../plan/observation.js';
import type { Reader } from '../system/system.js';
import { placeAt } from './place-at.js';

/**
 * Password files and ssh keys of packages, and the file of the webhook's URL, that everybody on this machine may read,
 * each once, with the command that closes it. A file in a directory that others cannot enter is none. Access control
 * lists are not seen.
 */
export function openSecrets(
  { settings, packages }: Site,
  jobs: ReadonlyMap<string, Job>,
  webhook: string | null,
  system: Reader,
): OpenSecret[] {
  const passwords = new Set([...jobs.values()].flatMap(({ secrets }) => Object.values(secrets)));
  if (webhook !== null) passwords.add(webhook);
  const keys = new Map<string, Set<Package['user']>>();
  for (const { user, network } of packages) {
    const { key } = network.ssh;
    if (key !== null) keys.set(key, (keys.get(key) ?? new Set()).add(user));
  }
  return [
    ...[...passwords]
      .filter((path) => isOpen(path, system))
      // Root reads them: systemd, or an executor that becomes somebody else only then.
      .map((path) => ({ path, help: closeSecret(path, system) })),
    ...[...keys]
      .filter(([path]) => isOpen(path, system))
      .map(([path, users]) => ({ path, help: closeKey(path, [...users], settings.gid, system) })),
  ];
}

/** Whether others than owner and group may read a file and enter every directory on the way to it. */
function isOpen(path: string, system: Reader): boolean {
  const facts = system.facts(path);
  if (facts?.kind !== 'file' || (facts.mode & 0o004) === 0) return false;
  for (let at = dirname(system.realPath(path) ?? path); at !== '/'; at = dirname(at))
    if (((system.facts(at)?.mode ?? 0) & 0o001) === 0) return false;
  return true;
}

/** What helps where another user could have root change some other file. */
const ELSEWHERE = 'keep it in a directory that only root can change';

function closeSecret(path: string, system: Reader): string {
  const place = placeAt(path, system);
  return place.isSteady ? setMode(place, 'o=') : ELSEWHERE;
}

/**
 * The runs' own users read a key. ssh refuses one that belongs to its user and that others may read; where several users
 * share one it has to be root's, and readable by the site's group, in which all of them are.
 */
function closeKey(
  path: string,
  users: readonly Package['user'][],
  group: Site['settings']['gid'],
  system: Reader,
): string {
  const place = placeAt(path, system);
  const [user = '', ...others] = users;
  if (others.length > 0)
    return place.isSteady
      ? `${giveTo(place, `root:${String(group)}`)} && ${setMode(place, '640')}`
      : ELSEWHERE;
  const owner = system.user(user);
  if (owner?.uid === place.uid) return setMode(place, '600');
  return place.isSteady ? `${giveTo(place, String(user))} && ${setMode(place, '600')}` : ELSEWHERE;
}
