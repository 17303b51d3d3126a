import { join } from 'node:path';
import { isHandedOver, readProvision } from '../boundary/root-service.js';
import type { NotifyRule, SiteFile } from '../job/site-file.js';
import type { Targets } from '../notify/channels.js';
import { readAsRoot } from '../run/special/root-secrets.js';

/** A URL, and what an operator may have written around it. */
const LIMIT_BYTES = 65_536;

/** Returns the webhook's URL: from the root that handed this command over, else as `readWebhook`. */
export function webhookFor(rule: NotifyRule): Targets['webhook'] {
  const given = isHandedOver() ? readProvision().secrets.webhook : undefined;
  if (given === undefined) return readWebhook(rule);
  return 'text' in given ? { url: given.text } : given;
}

/** Reads what only root may read and `mirror notify` needs. */
export function readNotifySecrets({
  notify,
}: SiteFile): Record<string, { text: string } | { problem: string }> {
  if (!notify?.webhook) return {};
  const webhook = readWebhook(notify);
  return { webhook: 'url' in webhook ? { text: webhook.url } : webhook };
}

/** Reads the URL: systemd's credentials directory first, else the root-only file. */
function readWebhook({ webhook }: NotifyRule): Targets['webhook'] {
  if (webhook === null) return { problem: 'no webhook' };
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  const paths = [...(credentials === undefined ? [] : [join(credentials, 'webhook')]), webhook.file];
  let problem = '';
  for (const path of paths) {
    try {
      const text = readAsRoot(path, LIMIT_BYTES);
      const url = text?.split('\n')[0]?.trim() ?? '';
      if (text === null) problem = `${path}: no such file`;
      else return /^https?:\/\//.test(url) ? { url } : { problem: `${path} holds no http or https URL` };
    } catch (error) {
      problem = (error as Error).message;
    }
  }
  return { problem };
}
