import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../job/outcome.js';
import type { NotifyRule, SiteFile } from '../job/site-file.js';
import { send, type Targets } from '../notify/channels.js';
import { deliver, type Delivery } from '../notify/deliver.js';
import { testMessage } from '../notify/message.js';
import { becomeUser } from '../run/privileges.js';
import { channelsOf } from '../state/incident.js';
import { appliedSite } from './applied-site.js';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

/** `mirror notify`: as root it reads the webhook's file and becomes the mirror user. Exit 69 when a channel failed. */
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
  const targets = { rule: notify, webhook: webhookOf(notify) };
  if (layout.root === '' && process.getuid?.() === 0) becomeUser(site.run_as.user, site.run_as.group);
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

/** The URL: systemd's credentials directory first, else the root-only file. */
function webhookOf({ webhook }: NotifyRule): Targets['webhook'] {
  if (webhook === null) return { problem: 'no webhook' };
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  const paths = [...(credentials === undefined ? [] : [join(credentials, 'webhook')]), webhook.file];
  let problem = '';
  for (const path of paths) {
    try {
      const url = readFileSync(path, 'utf8').split('\n')[0]?.trim() ?? '';
      return /^https?:\/\//.test(url) ? { url } : { problem: `${path} holds no http or https URL` };
    } catch (error) {
      problem = (error as Error).message;
    }
  }
  return { problem };
}

function report(json: boolean, { sent, problems }: Delivery): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ format: 'mirror/notify/1', sent, problems }, null, 2)}\n`);
    return;
  }
  for (const line of sent) process.stdout.write(`${line}\n`);
  for (const line of problems) process.stderr.write(`mirror: notice: ${line}\n`);
}
