import type { CommandModule } from 'yargs';
import { configOptions, type GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly id: string;
  readonly at?: string | undefined;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'explain <id>',
  describe: 'Show when a package runs, the exact commands of a run, and where each value comes from',
  builder: (parser) =>
    configOptions(parser)
      .positional('id', { type: 'string', demandOption: true, describe: 'Package' })
      .option('at', {
        type: 'string',
        requiresArg: true,
        describe: 'Count the next runs from this time (2026-11-30T18:00, or a duration from now)',
      })
      .example('$0 explain CTAN', 'the next five runs, every argv, every value with its origin'),
  handler: async (options) => {
    const { explain } = await import('./explain-report.js');
    explain(options, Date.now());
  },
};
