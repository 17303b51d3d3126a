import type { CommandModule } from 'yargs';
import { asMirrorUser, QUICK_LIMIT_MS } from './as-mirror-user.js';
import type { GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly id?: readonly string[] | undefined;
  readonly all: boolean;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'unhold [id..]',
  describe: 'End a hold; a slot that passed meanwhile is made up within a quarter of an hour',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', array: true, describe: 'Packages' })
      .option('all', { type: 'boolean', default: false, describe: 'Every package that is held' })
      .example('$0 unhold CTAN', 'sync it again'),
  handler: asMirrorUser(
    async (options) => {
      const { unholdPackages } = await import('./holding.js');
      unholdPackages(options, Date.now());
    },
    { limitMs: () => QUICK_LIMIT_MS },
  ),
};
