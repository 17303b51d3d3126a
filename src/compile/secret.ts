import type { Layout } from '../job/layout.js';
import { webhookFile } from '../model/notify.js';
import type { Package, Site } from '../model/site.js';
import type { FileArtifact } from './artifact.js';

/** Root-only file that holds the package's password, or null: the config's own, or where apply moves a literal one. */
export function passwordFile(pkg: Package, layout: Layout): string | null {
  if (pkg.password === null) return null;
  return 'file' in pkg.password ? pkg.password.file : `${layout.secrets}/${pkg.id}.password`;
}

/** A literal password of the config, as the file that replaces it everywhere else; null when there is none. */
export function secretArtifact(pkg: Package, layout: Layout): FileArtifact | null {
  const path = passwordFile(pkg, layout);
  if (path === null || pkg.password === null || 'file' in pkg.password) return null;
  return {
    kind: 'file',
    path,
    mode: 0o600,
    content: `${pkg.password.literal}\n`,
    package: pkg.id,
    secret: true,
  };
}

/** A literal webhook URL of the config, as the file that replaces it everywhere else; null when there is none. */
export function webhookArtifact(site: Site, layout: Layout): FileArtifact | null {
  const path = webhookFile(site, layout);
  const webhook = site.settings.notify?.webhook ?? null;
  if (path === null || webhook === null || 'file' in webhook) return null;
  return { kind: 'file', path, mode: 0o600, content: `${webhook.literal}\n`, package: null, secret: true };
}
