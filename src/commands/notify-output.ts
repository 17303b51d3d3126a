import { EXIT } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import type { SiteFile } from '../job/site-file.js';
import { send, type Targets } from '../notify/channels.js';
import { deliver, type Delivery } from '../notify/deliver.js';
import { testMessage } from '../notify/message.js';
import { channelsOf } from '../state/incident.js';
import { appliedSite } from './applied-site.js';
import { webhookFor } from './webhook.js';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

/** `mirror notify`. Exit 69 when a channel failed. */
export async function sendNotices(options: GlobalOptions & { readonly test: boolean }): Promise<void> {
  const { layout, site } = appliedSite(options);
  const { notify } = site;
  if (!notify) {
    if (!options.test) {
      report(options.json, { sent: [], problems: [] });
      return;
    }
    throw new ExitError(EXIT.config, 'mirror: nobody is to be notified: see `settings.notify`');
  }
  const targets = { rule: notify, webhook: webhookFor(notify) };
  process.umask(0o002);
  const delivery = options.test ? await test(site, targets) : await deliver(layout, site, targets);
  report(options.json, delivery);
  if (delivery.problems.length > 0) throw new ExitError(EXIT.unavailable);
}

async function test(site: SiteFile, targets: Targets): Promise<Delivery> {
  const message = testMessage(site, Date.now());
  const sent: string[] = [];
  const problems: string[] = [];
  for (const channel of channelsOf(targets.rule)) {
    const problem = await send(channel, message, targets);
    if (problem === null) sent.push(`test by ${channel}`);
    else problems.push(`${channel}: ${problem}`);
  }
  return { sent, problems };
}

function report(json: boolean, { sent, problems }: Delivery): void {
  if (json) {
    process.stdout.write(`${jsonText({ format: 'mirror/notify/1', sent, problems }, 2)}\n`);
    return;
  }
  for (const line of sent) process.stdout.write(`${line}\n`);
  for (const line of problems) process.stderr.write(`mirror: notice: ${line}\n`);
}
