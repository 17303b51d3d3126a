import type { CommandModule } from 'yargs';
import type { GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly id: readonly string[];
  readonly wait: boolean;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'push <id..>',
  describe: 'Say that upstream has changed: sync now, or once more if a sync is running',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', array: true, demandOption: true, describe: 'Packages' })
      .option('wait', {
        type: 'boolean',
        default: false,
        describe: 'Wait for the end and exit with its code',
      })
      .example('$0 push debian', 'what an upstream’s push trigger runs'),
  handler: async (options) => {
    const { requestPackages } = await import('./requesting.js');
    await requestPackages('push', options);
  },
};
