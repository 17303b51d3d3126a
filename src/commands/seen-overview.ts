import { accessSync, constants } from 'node:fs';
import type { Layout } from '../job/layout.js';
import { overview, type Overview } from '../state/overview.js';
import { appliedSite, layoutOf, selectPackages } from './applied-site.js';
import type { GlobalOptions } from './options.js';

/**
 * How the packages are at `now` (epoch ms), all when none is named: from the files, or through the control socket where
 * this user may not read them. Throws ExitError.
 */
export async function seenOverview(
  options: GlobalOptions,
  ids: readonly string[],
  now: number,
): Promise<Overview> {
  const paths = layoutOf(options);
  if (!isReadable(paths)) {
    const { throughSocket } = await import('./through-socket.js');
    return (await throughSocket(paths, (client) => client.status(ids))) as unknown as Overview;
  }
  const { layout, site } = appliedSite(options);
  return overview(layout, site, selectPackages(site, ids), now);
}

/** Whether nothing forbids this user the state; what is missing is for others to say. */
function isReadable({ siteFile, state }: Layout): boolean {
  return [siteFile, `${state}/state/.`].every((path) => {
    try {
      accessSync(path, constants.R_OK);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'EACCES';
    }
  });
}
