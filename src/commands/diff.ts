import type { CommandModule } from 'yargs';
import { configOptions, type GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly git?: string | undefined;
  readonly markdown: boolean;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'diff',
  describe: 'Print what apply would change as patches only; exit 0 for none, 1 for some',
  builder: (parser) =>
    configOptions(parser)
      .option('git', {
        type: 'string',
        requiresArg: true,
        describe:
          'Compare what two revisions of the config compile to: REV..REV, or REV with the working tree',
      })
      .option('markdown', { type: 'boolean', default: false, describe: 'Ready to paste in a pull request' })
      .example('$0 diff', 'between the machine and the config')
      .example('$0 diff --git main..HEAD', 'in CI, for a review'),
  handler: async (options) => {
    const { showDiff } = await import('./diff-output.js');
    showDiff(options, Date.now());
  },
};
