import type { CommandModule } from 'yargs';
import { configOptions, type GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly strict: boolean;
  readonly accept: string | undefined;
  readonly github: boolean;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'validate',
  describe: 'Check the config and show everything that is wrong with it; needs no root',
  builder: (parser) =>
    configOptions(parser)
      .option('strict', {
        type: 'boolean',
        default: false,
        describe: 'Warnings fail, also those of what runs code: programs, variables, options, files',
      })
      .option('accept', {
        type: 'string',
        requiresArg: true,
        describe: 'With --strict: codes of warnings that do not fail, with commas between them',
      })
      .option('github', {
        type: 'boolean',
        default: false,
        describe: 'Print annotations for a GitHub workflow',
      })
      .example('$0 validate -c config.json', 'before a commit')
      .example('$0 validate --strict --accept own-program', 'once the programs were reviewed')
      .example('$0 validate --strict --github', 'in a workflow: annotates the changed lines'),
  handler: async (options) => {
    const { validate } = await import('./validate-report.js');
    validate(options);
  },
};
