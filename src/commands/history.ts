import type { CommandModule } from 'yargs';
import { asMirrorUser, QUICK_LIMIT_MS } from './as-mirror-user.js';
import type { GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly id?: string | undefined;
  readonly apply: boolean;
  readonly number: number;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'history [id]',
  describe: 'List finished runs, newest last; or what was applied',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', describe: 'Package [default: all]' })
      .option('apply', { type: 'boolean', default: false, describe: 'List applies: who, when, git revision' })
      .option('number', {
        alias: 'n',
        type: 'number',
        default: 20,
        requiresArg: true,
        describe: 'How many; 0 for all',
      })
      .example('$0 history ArchLinux -n 5', 'the last five runs of one package')
      .example('$0 history --apply', 'who applied what'),
  handler: asMirrorUser(
    async (options) => {
      const report = await import('./history-report.js');
      if (options.apply) report.applies(options);
      else report.runs(options, options.id);
    },
    { limitMs: () => QUICK_LIMIT_MS, isNeeded: ({ apply }) => !apply },
  ),
};
