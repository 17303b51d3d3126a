import { resolve } from 'node:path';
import { isRoot, isRootAccount } from '../boundary/as-user.js';
import type { Provision } from '../boundary/root-service.js';
import { layout, siteLayout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import type { SiteFile } from '../job/site-file.js';
import { readSiteFile } from '../state/site.js';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

/** Milliseconds for a command that only reads or writes small files of the site's user. */
export const QUICK_LIMIT_MS = 60_000;

/** Milliseconds for a command that has units started or stopped, but does not wait for runs. */
export const REQUEST_LIMIT_MS = 600_000;

interface Terms<O> {
  /** Milliseconds after which root gives the command up, exit 124: its user may have stopped it. No limit for null. */
  readonly limitMs: (options: O) => number | null;
  /** Answers in the command's place when root gave it up. */
  readonly answerLate?: (options: O) => Promise<void>;
  /** Whether these options need the mirror user's paths at all; a root-only file that the operator names does not. */
  readonly isNeeded?: (options: O) => boolean;
  /** Reads what only root may read and the handler needs. */
  readonly readSecrets?: (site: SiteFile) => Promise<Provision['secrets']>;
  /** Another user than the site's, where a package has its own; null: the site's. */
  readonly userOf?: (options: O) => Promise<SiteFile['run_as'] | null>;
}

/**
 * Makes a command's handler act as the site's user, because it names paths that this user owns: root starts the command once
 * more as that user and ends as it ends. For any other caller, and where nothing is applied (nothing is named then), the
 * handler runs at once; below `--root` too, unless the state there is not root's: then the command is refused.
 */
export function asMirrorUser<O extends GlobalOptions>(
  handler: (options: O) => Promise<void>,
  {
    limitMs,
    answerLate = () => Promise.resolve(),
    isNeeded = () => true,
    readSecrets = () => Promise.resolve({}),
    userOf = () => Promise.resolve(null),
  }: Terms<O>,
): (options: O) => Promise<void> {
  return async (options) => {
    const isLive = options.root === undefined || resolve(options.root) === '/';
    if (!isRoot() || !isNeeded(options)) return handler(options);
    const site = appliedSite(options.root);
    if (site === null) return handler(options);
    const { handOverCommand, refuseForeignState } = await import('../run/special/root-half.js');
    if (!isLive) {
      const refused = refuseForeignState(siteLayout(options.root, site.packages));
      if (refused !== null) throw new ExitError(refused);
    }
    const user = (await userOf(options)) ?? site.run_as;
    if (!isLive || isRootAccount(user)) return handler(options);
    const [words, secrets] = [process.argv.slice(2), await readSecrets(site)];
    const code = await handOverCommand(user, words, secrets, limitMs(options) ?? undefined);
    if (code === EXIT.timedOut) await answerLate(options);
    if (code !== 0) throw new ExitError(code);
  };
}

/** Null as well when another version of mirror wrote it: the handler says so. */
function appliedSite(root: string | undefined): SiteFile | null {
  try {
    return readSiteFile(layout(root));
  } catch {
    return null;
  }
}
