import type { Finding } from '../../diagnostics/diagnostic.js';
import { siteError, siteWarning, type CheckedSite } from './rule.js';

/** A notice needs somewhere to go, one URL, and a program that can be found from anywhere. */
export function notifyReachesSomebody({ config, settings }: CheckedSite): Finding[] {
  const { notify } = settings;
  if (notify === null) return [];
  const code = 'notify-nobody';
  if (notify.command === null && notify.mail === null && notify.webhook === null) {
    const help = 'name a `command`, a `mail` address or a `webhook_file`';
    return [siteError('/settings/notify', { code, message: '`notify` reaches nobody', help }, 'key')];
  }
  const findings: Finding[] = [];
  if (notify.command && !notify.command[0]?.startsWith('/')) {
    const help = 'name the program by its absolute path; a shell is `/bin/sh`, `-c`, …';
    const message = 'the program of `command` has no absolute path';
    findings.push(siteError('/settings/notify/command/0', { code: 'notify-command', message, help }));
  }
  const given = config.settings.notify;
  if (given?.webhook !== undefined && given.webhook_file !== undefined) {
    const message = '`webhook` and `webhook_file` both name the URL';
    const help = 'keep `webhook_file`';
    findings.push(siteError('/settings/notify/webhook', { code: 'two-webhooks', message, help }, 'key'));
  }
  return findings;
}

/** Who knows a webhook's URL can write to its chat, and the config is in git and read by many. */
export function literalWebhook({ settings }: CheckedSite): Finding[] {
  const webhook = settings.notify?.webhook;
  if (!webhook || 'file' in webhook) return [];
  const message = 'the URL of the webhook is in the config';
  const help = 'put it in a root-only file and name that in `webhook_file`; apply keeps it in one until then';
  return [siteWarning('/settings/notify/webhook', { code: 'literal-webhook', message, help }, 'key')];
}
