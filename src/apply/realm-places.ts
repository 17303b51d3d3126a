import { layout, stateDirectories, type Layout, type OwnDirectory } from '../job/layout.js';
import { realmLogBase, siteOwners } from '../model/realm.js';
import type { Site } from '../model/site.js';

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
