import type { CommandModule } from 'yargs';
import { asMirrorUser, REQUEST_LIMIT_MS } from './as-mirror-user.js';
import type { GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly id: readonly string[];
  readonly wait: boolean;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'start <id..>',
  describe: 'Start a sync of these packages in the background, due or not',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', array: true, demandOption: true, describe: 'Packages' })
      .option('wait', {
        type: 'boolean',
        default: false,
        describe: 'Wait for the end and exit with its code',
      })
      .example('$0 start CTAN CPAN', 'two syncs, as their own schedulers would run them'),
  handler: asMirrorUser(
    async (options) => {
      const { requestPackages } = await import('./requesting.js');
      await requestPackages('start', options, null);
    },
    { limitMs: ({ wait }) => (wait ? null : REQUEST_LIMIT_MS) },
  ),
};
