import type { CommandModule } from 'yargs';
import { configOptions, type GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly apply: boolean;
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
      .example('$0 daemon', 'with `"scheduler": "daemon"`; SIGHUP applies the config again, SIGTERM ends it')
      .example('$0 daemon --json', 'one JSON object a line for each event'),
  handler: async (options) => {
    const { runDaemon } = await import('./daemon-output.js');
    await runDaemon(options);
  },
};
