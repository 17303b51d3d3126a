import type { CommandModule } from 'yargs';
import type { GlobalOptions } from './options.js';

export const command: CommandModule<GlobalOptions, GlobalOptions> = {
  command: 'setup',
  describe:
    'Prepare this machine: user, directories, a default config where there is none, a look at the tools',
  builder: (parser) =>
    parser
      .example('sudo $0 setup', 'before the first apply; again at any time')
      .example('$0 setup --root /tmp/try', 'the same below a directory, without root'),
  handler: async (options) => {
    const { setUp } = await import('./setup-output.js');
    await setUp(options);
  },
};
