import type { Settings as SettingsConfig } from '../config/types.generated.js';
import { DEFAULTS } from './defaults.js';
import { runLogPlace, siteLogPlace } from './logs.js';
import { BUILT_IN, overlay, type Policy } from './normalize-policy.js';
import { plainPath } from './path.js';
import type { Settings } from './site.js';

/** The site's settings and what its packages fall back to. */
export interface SiteDefaults {
  readonly settings: Settings;
  readonly policy: Policy;
  /** This machine's name among `hosts`. */
  readonly node: string;
}

/** Fills in the site's settings; `node` is the machine's own name. The config has passed its schema. */
export function normalizeSettings(config: SettingsConfig, node: string): SiteDefaults {
  const { errorcontinuetime, logger } = config;
  const settings: Settings = {
    scheduler: config.scheduler ?? DEFAULTS.settings.scheduler,
    systemd: { version: config.systemd?.version ?? DEFAULTS.settings.systemdVersion },
    executable: config.executable ?? null,
    logfolder: plainPath(config.logfolder),
    webroot: plainPath(config.webroot),
    statusfile: plainPath(config.statusfile),
    statfile: plainPath(config.statfile),
    uid: config.uid ?? DEFAULTS.settings.uid,
    gid: config.gid ?? DEFAULTS.settings.gid,
    localtimezone: config.localtimezone,
    ftpsync: strings(config.ftpsync ?? {}),
    maintainer: config.maintainer
      ? { name: config.maintainer.name ?? '', email: config.maintainer.email ?? '' }
      : null,
    limits: {
      concurrent: config.limits?.concurrent ?? DEFAULTS.settings.concurrent,
      per_upstream: config.limits?.per_upstream ?? DEFAULTS.settings.perUpstream,
      load_max: config.limits?.load_max ?? null,
    },
    logger: {
      level: logger?.level ?? DEFAULTS.settings.level,
      packagelevel: logger?.packagelevel ?? DEFAULTS.settings.packagelevel,
      format: logger?.format ?? DEFAULTS.settings.format,
      packageformat: logger?.packageformat ?? DEFAULTS.settings.packageformat,
      fileformat: logger?.fileformat ? siteLogPlace(logger.fileformat, config.logfolder) : null,
      packagefileformat: runLogPlace(logger?.packagefileformat ?? {}, config.logfolder),
    },
    notify: notify(config.notify),
    socket: {
      uid: config.socket?.uid ?? config.uid ?? DEFAULTS.settings.uid,
      gid: config.socket?.gid ?? config.gid ?? DEFAULTS.settings.gid,
      mode: (config.socket?.mode ?? DEFAULTS.settings.socketMode).padStart(4, '0'),
    },
  };
  // mirror.py's name for the delay, in seconds; the new key wins.
  const legacy =
    errorcontinuetime === undefined ? BUILT_IN : overlay(BUILT_IN, legacyRetry(errorcontinuetime));
  return { settings, policy: overlay(legacy, config), node: config.node ?? node };
}

/** Without notes. */
function strings(config: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => !key.startsWith('_') && typeof value === 'string'),
  );
}

function legacyRetry(delay: number): { retry: { delay: string } } {
  return { retry: { delay: `PT${delay}S` } };
}

function notify(config: SettingsConfig['notify']): Settings['notify'] {
  if (!config) return null;
  const { webhook_file: file, webhook: literal } = config;
  return {
    afterFailures: config.after_failures ?? DEFAULTS.settings.afterFailures,
    command: config.command ?? null,
    mail: config.mail ?? null,
    sendmail: config.sendmail ?? DEFAULTS.settings.sendmail,
    webhook: file !== undefined ? { file } : literal !== undefined ? { literal } : null,
    sandbox: config.sandbox ?? DEFAULTS.settings.notifySandbox,
  };
}
