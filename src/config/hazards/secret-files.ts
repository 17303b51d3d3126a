import { dirname } from 'node:path/posix';
import { layout } from '../../job/layout.js';
import { packageWarning, siteWarning } from '../rules/rule.js';
import type { Hazard, HazardRule, Said } from './hazard.js';

/** Secrets of the system itself, and what is no file at all. */
const SYSTEM =
  /^\/(dev|proc|sys)\/|^\/etc\/(g?shadow-?|security\/opasswd|sudoers(\.d\/.*)?|ssh\/.*|ssl\/private\/.*)$|^\/root\/\.ssh\//;

/** Where secrets for services lie: mirror's own, systemd's (systemd.exec(5)), and containers'. */
const PLACES = [
  dirname(layout().secrets),
  '/etc/credstore',
  '/etc/credstore.encrypted',
  '/run/credentials',
  '/run/secrets',
];

/**
 * Files that root or systemd opens and hands to a run. One that is not a mirror's secret would reach an upstream, or a
 * program of the config's own choosing.
 */
export const foreignSecretFiles: HazardRule = ({ config, directory, packages }) => {
  const places = [...PLACES, directory];
  const { webhook_file: webhook } = config.settings.notify ?? {};
  return [
    ...judge(webhook, places).map(({ said, words }): Hazard => ({
      said,
      finding: siteWarning('/settings/notify/webhook_file', words),
    })),
    ...packages.flatMap(({ pkg, config: own }) =>
      judge(own.settings.options?.password_file, places).map(({ said, words }): Hazard => ({
        said,
        finding: packageWarning(pkg.id, '/settings/options/password_file', words),
      })),
    ),
  ];
};

function judge(
  path: unknown,
  places: readonly string[],
): { said: Said; words: { code: string; message: string; help: string } }[] {
  if (typeof path !== 'string' || path === '' || places.some((place) => path.startsWith(`${place}/`)))
    return [];
  const isSystem = SYSTEM.test(path);
  const code = 'foreign-secret';
  const message = isSystem
    ? `\`${path}\` is a secret of the system, and runs would be told its first line`
    : `\`${path}\` lies neither with mirror's secrets nor with the config`;
  const help = `use a file in ${layout().secrets}, which root alone reads`;
  return [{ said: isSystem ? 'always' : 'strict', words: { code, message, help } }];
}
