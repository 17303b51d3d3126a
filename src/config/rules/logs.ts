import type { Finding } from '../../diagnostics/diagnostic.js';
import { siteError, type CheckedSite } from './rule.js';

const AT = '/settings/logger/packagefileformat';

/** Two packages that write to one file mix their lines, and each one's pruning deletes the other's log. */
export function logsAreApart({ config, settings, packages }: CheckedSite): Finding[] {
  const { folder, filename } = settings.logger.packagefileformat;
  const path = `${folder}/${filename}`;
  if (packages.length < 2 || /\{(packageid|microsecond)\}/.test(path)) return [];
  const given = config.settings.logger?.packagefileformat;
  const at = given?.filename !== undefined ? `${AT}/filename` : `${AT}/folder`;
  const message = `all packages would write to one log: \`${path}\` does not say which one`;
  const help = 'add `{packageid}` to `filename` or `folder`';
  return [siteError(at, { code: 'one-log', message, help })];
}
