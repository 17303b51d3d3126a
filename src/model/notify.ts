import type { Layout } from '../job/layout.js';
import type { Site } from './site.js';

/** Root-only file that holds the webhook's URL, or null: the config's own, or where apply moves a literal one. */
export function webhookFile({ settings }: Site, layout: Layout): string | null {
  const webhook = settings.notify?.webhook ?? null;
  if (webhook === null) return null;
  return 'file' in webhook ? webhook.file : `${layout.secrets}/notify.webhook`;
}
