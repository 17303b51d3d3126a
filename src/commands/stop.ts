import type { CommandModule } from 'yargs';
import { asMirrorUser, REQUEST_LIMIT_MS } from './as-mirror-user.js';
import type { GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly id: readonly string[];
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'stop <id..>',
  describe: 'End the running sync of these packages; it is not tried again before its next slot',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', array: true, demandOption: true, describe: 'Packages' })
      .example('$0 stop CTAN', 'ends the tool, records `stopped`, keeps the schedule (see hold)'),
  handler: asMirrorUser(
    async (options) => {
      const { stopPackages } = await import('./stopping.js');
      await stopPackages(options);
    },
    { limitMs: () => REQUEST_LIMIT_MS },
  ),
};
