import type { Layout } from '../job/layout.js';
import { SITE_FORMAT, type NotifyRule, type PublishedPackage, type SiteFile } from '../job/site-file.js';
import { webhookFile } from '../model/notify.js';
import { realmOf } from '../model/realm.js';
import type { Package, Site } from '../model/site.js';

/** What publishing needs to know about the site: no secret, no URL with credentials. */
export function compileSiteFile(site: Site, layout: Layout): SiteFile {
  const { settings } = site;
  return {
    format: SITE_FORMAT,
    mirrorname: site.mirrorname,
    hostname: site.hostname,
    node: site.node,
    timezone: settings.localtimezone,
    statusfile: settings.statusfile,
    statfile: settings.statfile,
    run_as: { user: settings.uid, group: settings.gid },
    ...(settings.notify && { notify: notifyRule(site, settings.notify, layout) }),
    ...(settings.scheduler === 'daemon' && { socket: settings.socket }),
    packages: site.packages.map((pkg) => publishedPackage(pkg, realmOf(settings, pkg))),
  };
}

function notifyRule(site: Site, notify: NonNullable<Site['settings']['notify']>, layout: Layout): NotifyRule {
  const webhook = webhookFile(site, layout);
  return {
    after_failures: notify.afterFailures,
    command: notify.command,
    mail: notify.mail,
    sendmail: notify.sendmail,
    webhook: webhook === null ? null : { file: webhook },
    sender: site.settings.scheduler === 'systemd' ? 'unit' : 'publish',
  };
}

function publishedPackage(pkg: Package, user: string | number | null): PublishedPackage {
  return {
    id: pkg.id,
    name: pkg.name,
    href: pkg.href,
    synctype: pkg.synctype,
    syncrate: pkg.syncrate,
    link: pkg.link,
    hidden: pkg.hidden,
    disabled: pkg.disabled,
    src: pkg.sources[0]?.publicUrl ?? '',
    dst: pkg.dst,
    options: withoutSecrets(pkg.options),
    stale_after: pkg.staleAfter,
    ...(user !== null && { user }),
  };
}

/** `password`, and whatever a method to come may call `..._password` or `..._secret`; file names are no secrets. */
function withoutSecrets(options: Package['options']): Package['options'] {
  const names = Object.keys(options);
  if (!names.some(isSecret)) return options;
  return Object.fromEntries(Object.entries(options).filter(([name]) => !isSecret(name)));
}

function isSecret(name: string): boolean {
  return /(^|_)(password|secret|token)$/i.test(name);
}
