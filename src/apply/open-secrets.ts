import { dirname } from 'node:path';
import type { Job } from '../job/job.js';
import { shellWord } from '../job/shell.js';
import type { Package, Site } from '../model/site.js';
import type { OpenSecret } from '../plan/observation.js';
import type { Reader } from '../system/system.js';

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
      .map((path) => ({ path, help: `chmod o= ${shellWord(path)}` })),
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
  const file = shellWord(path);
  const [user = '', ...others] = users;
  if (others.length > 0) return `chown ${shellWord(`root:${String(group)}`)} ${file} && chmod 640 ${file}`;
  const isOwner = system.user(user)?.uid === system.facts(path)?.uid;
  return `${isOwner ? '' : `chown ${shellWord(String(user))} ${file} && `}chmod 600 ${file}`;
}
