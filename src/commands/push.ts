import type { CommandModule } from 'yargs';
import { asMirrorUser, REQUEST_LIMIT_MS } from './as-mirror-user.js';
import { longExample, type GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly id: readonly string[];
  readonly wait: boolean;
  readonly debounce: string;
  readonly 'authorized-keys'?: string | undefined;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'push <id..>',
  describe: 'Say that upstream has changed: sync now, or once more if a sync is running',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', array: true, demandOption: true, describe: 'Packages' })
      .option('wait', {
        type: 'boolean',
        default: false,
        describe: 'Wait for the end and exit with its code',
      })
      .option('debounce', {
        type: 'string',
        default: 'PT1M',
        requiresArg: true,
        describe: 'Least time between the starts of two pushed syncs; pushes in between make one, at its end',
      })
      .option('authorized-keys', {
        type: 'string',
        requiresArg: true,
        describe:
          'Push nothing; print authorized_keys lines that let the public keys in this file push, and no more',
      })
      .example('$0 push debian', 'what an upstream’s push trigger runs')
      .epilogue(
        longExample(
          '$0 push debian --authorized-keys upstream.pub',
          'a line of authorized_keys for the upstream’s ssh key',
        ),
      ),
  handler: asMirrorUser(
    async (options) => {
      const { printAuthorizedKeys, push } = await import('./pushing.js');
      const keys = options['authorized-keys'];
      if (keys === undefined) await push(options);
      else printAuthorizedKeys(options, keys);
    },
    {
      limitMs: ({ wait }) => (wait ? null : REQUEST_LIMIT_MS),
      isNeeded: ({ 'authorized-keys': keys }) => keys === undefined,
    },
  ),
};
