import { layout, stateDirectories, type Layout, type OwnDirectory } from '../job/layout.js';
import { realmLogBase, siteOwners } from '../model/realm.js';
import type { Site } from '../model/site.js';
import type { Reader } from '../system/system.js';

/**
 * Returns mirror's own directories below the state directory, and those below the base of the logs in which the users of
 * realms write, the outer before the inner.
 */
export function ownPlaces(
  site: Pick<Site, 'settings' | 'packages'>,
  { root }: Pick<Layout, 'root'>,
): OwnDirectory[] {
  const owners = siteOwners(site);
  const { base } = site.settings.logger.packagefileformat;
  const users = [...new Set(owners.values())];
  const logs = users.map((user) => ({ path: realmLogBase(base, user), mode: 0o2755, user }));
  return [
    ...stateDirectories(layout(root, owners)),
    ...(users.length === 0 ? [] : [{ path: `${base}/users`, mode: 0o2755, user: null }]),
    ...logs,
  ];
}

/**
 * Returns what to tell about users of realms that the system's database has in the site's group, whose members write what
 * belongs to all packages.
 */
export function strayMembers(site: Pick<Site, 'settings' | 'packages'>, system: Reader): string[] {
  const { gid } = site.settings;
  const shared = system.group(gid);
  const members = (system.read('/etc/group') ?? '').split('\n').flatMap((line) => {
    const [, , number, names = ''] = line.split(':');
    return Number(number) === shared ? names.split(',') : [];
  });
  return [...new Set(siteOwners(site).values())].flatMap((user) => {
    const name = String(user);
    const advice = (command: string): string[] => [
      `${name} is in the group ${String(gid)}, so its runs can write other packages' files: ${command}`,
    ];
    if (members.includes(name)) return advice(`gpasswd -d ${name} ${String(gid)}`);
    const isPrimary = shared !== null && system.user(user)?.gid === shared;
    const group = site.packages.find((pkg) => pkg.user === user)?.group ?? name;
    return isPrimary ? advice(`usermod -g ${String(group)} ${name}`) : [];
  });
}
