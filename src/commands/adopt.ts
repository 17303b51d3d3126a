import type { CommandModule } from 'yargs';
import { asMirrorUser, QUICK_LIMIT_MS } from './as-mirror-user.js';
import type { GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly mount: string;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'adopt',
  describe: 'Vouch for a disk that was replaced or moved: all packages whose dst is on it',
  builder: (parser) =>
    parser
      .option('mount', {
        type: 'string',
        requiresArg: true,
        demandOption: true,
        describe: 'Where the file system is mounted',
      })
      .example('$0 adopt --mount /srv/mirror', 'after its files were copied to a new disk'),
  handler: asMirrorUser(
    async (options) => {
      const { adoptMount } = await import('./adopting.js');
      adoptMount(options);
    },
    { limitMs: () => QUICK_LIMIT_MS },
  ),
};
