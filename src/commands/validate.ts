import type { CommandModule } from 'yargs';
import type { GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly strict: boolean;
  readonly github: boolean;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'validate',
  describe: 'Check the config and show everything that is wrong with it; needs no root',
  builder: (parser) =>
    parser
      .option('strict', { type: 'boolean', default: false, describe: 'Warnings fail too' })
      .option('github', {
        type: 'boolean',
        default: false,
        describe: 'Print annotations for a GitHub workflow',
      })
      .example('$0 validate -c config.json', 'before a commit')
      .example('$0 validate --strict --github', 'in a workflow: annotates the changed lines'),
  handler: async (options) => {
    const { validate } = await import('./validate-report.js');
    validate(options);
  },
};
