import type { Owners } from '../job/layout.js';
import type { Package, Settings, Site } from './site.js';

/**
 * Returns the user whose realm a package's files lie in, or null for the site's own. A user has a realm if its runs are not
 * in the site's group, whose members write what belongs to the site. Root needs none: no directory keeps root out.
 */
export function realmOf(
  { uid, gid }: Pick<Settings, 'uid' | 'gid'>,
  { user, group }: Pick<Package, 'user' | 'group'>,
): string | number | null {
  const isOwn = String(user) !== String(uid) && user !== 0 && user !== 'root';
  return isOwn && String(group) !== String(gid) ? user : null;
}

/** Returns the packages whose files lie in a realm of their user's, with that user. */
export function siteOwners({ settings, packages }: Pick<Site, 'settings' | 'packages'>): Owners {
  return new Map(
    packages.flatMap((pkg) => {
      const user = realmOf(settings, pkg);
      return user === null ? [] : [[pkg.id, user] as const];
    }),
  );
}

/** Returns the directory below which the runs of a realm's user write their logs; `base` is that of the site's runs. */
export function realmLogBase(base: string, user: string | number): string {
  return `${base}/users/${user}`;
}
