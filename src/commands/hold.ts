import type { CommandModule } from 'yargs';
import { asMirrorUser, QUICK_LIMIT_MS } from './as-mirror-user.js';
import { longExample, type GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly id?: readonly string[] | undefined;
  readonly all: boolean;
  readonly until?: string | undefined;
  readonly reason?: string | undefined;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'hold [id..]',
  describe: 'Start no sync of these packages until further notice; survives apply and reboot',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', array: true, describe: 'Packages' })
      .option('all', { type: 'boolean', default: false, describe: 'Every package of the site' })
      .option('until', {
        type: 'string',
        requiresArg: true,
        describe: 'When it ends by itself: a duration (PT6H), or a time (2026-11-30T18:00, in localtimezone)',
      })
      .option('reason', {
        type: 'string',
        requiresArg: true,
        describe: 'Why, for everybody who looks at the status',
      })
      .example('$0 hold CTAN --until PT12H', 'half a day of rest')
      .epilogue(longExample('$0 hold --all --reason "disk is being replaced"', 'until `$0 unhold --all`')),
  handler: asMirrorUser(
    async (options) => {
      const { holdPackages } = await import('./holding.js');
      holdPackages(options, Date.now());
    },
    { limitMs: () => QUICK_LIMIT_MS },
  ),
};
