import type { CommandModule } from 'yargs';
import { NOTIFY_LIMIT_MS } from '../boundary/order.js';
import { asMirrorUser } from './as-mirror-user.js';
import type { GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly test: boolean;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'notify',
  describe: 'Send the notices that are due, as `settings.notify` says (mirror calls this by itself)',
  builder: (parser) =>
    parser
      .option('test', {
        type: 'boolean',
        default: false,
        describe: 'Send a test notice through every channel instead',
      })
      .example('$0 notify --test', 'see that notices arrive'),
  handler: asMirrorUser(
    async (options) => {
      const { sendNotices } = await import('./notify-output.js');
      await sendNotices(options);
    },
    {
      limitMs: () => NOTIFY_LIMIT_MS,
      readSecrets: async (site) => (await import('./webhook.js')).readNotifySecrets(site),
    },
  ),
};
