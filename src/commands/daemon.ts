import type { CommandModule } from 'yargs';
import type { Errand } from '../daemon/errands.js';
import { configOptions, type GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly apply: boolean;
  readonly errand: Errand | undefined;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'daemon',
  describe: 'Run the schedule in the foreground, where neither systemd nor cron does (containers)',
  builder: (parser) =>
    configOptions(parser)
      .option('apply', {
        type: 'boolean',
        default: true,
        describe: 'Apply the config first; --no-apply runs what is applied already',
      })
      // The daemon starts itself so, as the user whose files the errand reads.
      .option('errand', { choices: ['find-due', 'end-runs'] as const, hidden: true })
      .example('$0 daemon', 'with `"scheduler": "daemon"`; SIGHUP applies the config again, SIGTERM ends it')
      .example('$0 daemon --json', 'one JSON object a line for each event'),
  handler: async (options) => {
    const { runDaemon, runErrand } = await import('./daemon-output.js');
    return options.errand === undefined ? runDaemon(options) : runErrand(options, options.errand);
  },
};
