import type { CommandModule } from 'yargs';
import { configOptions, type GlobalOptions } from './options.js';
import type { SetupOptions } from './setup-output.js';

export const command: CommandModule<GlobalOptions, SetupOptions> = {
  command: 'setup',
  describe:
    'Prepare this machine: user, directories, a default config where there is none, a look at the tools',
  builder: (parser) =>
    configOptions(parser)
      .option('uninstall', {
        type: 'boolean',
        default: false,
        describe: 'Remove what setup and apply made; data, config, state and logs stay',
      })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'With --uninstall: remove edited files too',
      })
      .example('sudo $0 setup', 'before the first apply; again at any time')
      .example('$0 setup --root /tmp/try', 'the same below a directory, without root')
      .example('sudo $0 setup --uninstall', 'stop all timers and leave only what is yours'),
  handler: async (options) => {
    const { setUp } = await import('./setup-output.js');
    await setUp(options);
  },
};
