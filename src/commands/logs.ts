import type { CommandModule } from 'yargs';
import { asMirrorUser } from './as-mirror-user.js';
import type { LogChoice } from './log-output.js';
import type { GlobalOptions } from './options.js';

export const command: CommandModule<GlobalOptions, LogChoice> = {
  command: 'logs <id>',
  describe: 'Print the log of a run: the one in progress, else the last one that kept its log',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', demandOption: true, describe: 'Package' })
      .option('run', {
        type: 'number',
        requiresArg: true,
        describe: 'The Nth finished run that kept a log, 1 the last',
      })
      .option('last-error', { type: 'boolean', describe: 'The last run that failed' })
      .option('path', { type: 'boolean', default: false, describe: 'Print where the log is, not its text' })
      .option('follow', { alias: 'f', type: 'boolean', default: false, describe: 'Go on until the run ends' })
      .conflicts('run', 'last-error')
      .example('$0 logs ArchLinux -f', 'watch a sync')
      .example('$0 logs CTAN --last-error', 'why it failed'),
  handler: asMirrorUser(
    async (options) => {
      const { printLog } = await import('./log-output.js');
      await printLog(options);
    },
    { limitMs: () => null },
  ),
};
