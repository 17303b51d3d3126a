import type { CommandModule } from 'yargs';
import { asMirrorUser } from './as-mirror-user.js';
import type { GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly id: string;
  readonly path?: string | undefined;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'restore <id> [path]',
  describe: 'Bring back what runs deleted and `keep_deleted` kept; what dst has stays as it is',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', demandOption: true, describe: 'Package' })
      .positional('path', {
        type: 'string',
        describe: 'File or directory below dst; default everything that is kept',
      })
      .example('$0 restore debian pool/main/b/bash', 'the files of bash that were deleted, at their places'),
  handler: asMirrorUser(
    async (options) => {
      const { restore } = await import('./restoring.js');
      restore(options);
    },
    {
      // Files are moved within their file system, but there may be millions.
      limitMs: () => null,
      // What a run deleted is its user's, and closed for others.
      userOf: async (options) => (await import('./restoring.js')).userOfPackage(options),
    },
  ),
};
