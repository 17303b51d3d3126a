import type { Finding } from '../../diagnostics/diagnostic.js';
import { logPattern } from '../../model/logs.js';
import { siteError, siteWarning, type CheckedSite } from './rule.js';

const AT = '/settings/logger/packagefileformat';

/** Two packages that write to one file mix their lines, and each one's pruning deletes the other's log. */
export function logsAreApart({ config, settings, packages }: CheckedSite): Finding[] {
  const { folder, filename } = settings.logger.packagefileformat;
  const path = `${folder}/${filename}`;
  if (packages.length < 2 || /\{(packageid|microsecond)\}/.test(path)) return [];
  const message = `all packages would write to one log: \`${path}\` does not say which one`;
  const help = 'add `{packageid}` to `filename` or `folder`';
  return [siteError(patternAt(config), { code: 'one-log', message, help })];
}

/** A log's name has the time at which its run started: all of it, or runs of other days or hours have the same one. */
const TIME = ['year', 'month', 'day', 'hour', 'minute', 'second'];

/** Each run writes over the log of another one, and `mirror logs --run` shows the wrong one. */
export function logsOfRunsAreApart({ config, settings }: CheckedSite): Finding[] {
  const { folder, filename } = settings.logger.packagefileformat;
  const path = `${folder}/${filename}`;
  const missing = TIME.filter((field) => !path.includes(`{${field}}`));
  if (missing.length === 0) return [];
  const fields = missing.map((field) => `\`{${field}}\``).join(', ');
  const message = `runs of a package would write over each other's logs: \`${path}\` lacks ${fields}`;
  const help = 'add to `filename` or `folder` what is missing of the time';
  return [siteWarning(patternAt(config), { code: 'log-overwritten', message, help })];
}

/** What prunes and compresses the logs of runs takes the site's with it. */
export function siteLogIsApart({ settings: { logger } }: CheckedSite): Finding[] {
  const { fileformat, packagefileformat } = logger;
  const path = logPattern(packagefileformat);
  if (fileformat === null || logPattern(fileformat) !== path) return [];
  const message = `the site's log would be removed as the log of a run: both are \`${path}\``;
  const help = 'name a file of its own';
  return [siteWarning('/settings/logger/fileformat', { code: 'log-overwritten', message, help })];
}

/** Directories that other programs have things in. */
const SHARED =
  /^\/((bin|boot|dev|etc|home|lib|lib64|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)|var\/(cache|lib|log|opt|spool|tmp|www))?$/;

/** Every run may write to the base of a log, and mirror's users must own it. */
export function logsHaveDirectories({ config, settings: { logger } }: CheckedSite): Finding[] {
  return (['fileformat', 'packagefileformat'] as const).flatMap((name) => {
    const base = logger[name]?.base;
    if (base === undefined || !SHARED.test(base)) return [];
    const own = config.settings.logger?.[name]?.base !== undefined;
    const message = `the logs would lie in \`${base}\` itself, which other programs use, too`;
    const help = `give them a directory of their own: \`${base === '/' ? '' : base}/mirror\``;
    const at = own ? `/settings/logger/${name}/base` : '/settings/logfolder';
    return [siteError(at, { code: 'log-base', message, help })];
  });
}

/** Where the pattern stands, as far as the config has one. */
function patternAt({ settings }: CheckedSite['config']): string {
  return settings.logger?.packagefileformat?.filename !== undefined ? `${AT}/filename` : `${AT}/folder`;
}
