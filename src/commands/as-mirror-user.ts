import { resolve } from 'node:path';
import { isRoot, isRootAccount } from '../boundary/as-user.js';
import type { Provision } from '../boundary/root-service.js';
import { layout } from '../job/layout.js';
import type { SiteFile } from '../job/site-file.js';
import { readSiteFile } from '../state/site.js';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

interface Exceptions<O> {
  /** Whether these options need the mirror user's paths at all; a root-only file that the operator names does not. */
  readonly isNeeded?: (options: O) => boolean;
  /** Reads what only root may read and the handler needs. */
  readonly readSecrets?: (site: SiteFile) => Promise<Provision['secrets']>;
  /** Another user than the site's, where a package has its own; null: the site's. */
  readonly userOf?: (options: O) => Promise<SiteFile['run_as'] | null>;
}

/**
 * Makes a command's handler act as the site's user, because it names paths that this user owns: root starts the command once
 * more as that user and ends as it ends. Below `--root`, for any other caller, and where nothing is applied (nothing is
 * named then), the handler runs at once.
 */
export function asMirrorUser<O extends GlobalOptions>(
  handler: (options: O) => Promise<void>,
  {
    isNeeded = () => true,
    readSecrets = () => Promise.resolve({}),
    userOf = () => Promise.resolve(null),
  }: Exceptions<O> = {},
): (options: O) => Promise<void> {
  return async (options) => {
    const isLive = options.root === undefined || resolve(options.root) === '/';
    if (!isLive || !isRoot() || !isNeeded(options)) return handler(options);
    const site = appliedSite();
    if (site === null) return handler(options);
    const user = (await userOf(options)) ?? site.run_as;
    if (isRootAccount(user)) return handler(options);
    const { handOverCommand } = await import('../run/special/root-half.js');
    const code = await handOverCommand(user, process.argv.slice(2), await readSecrets(site));
    if (code !== 0) throw new ExitError(code);
  };
}

/** Null as well when another version of mirror wrote it: the handler says so. */
function appliedSite(): SiteFile | null {
  try {
    return readSiteFile(layout(''));
  } catch {
    return null;
  }
}
