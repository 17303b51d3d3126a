import type { CommandModule } from 'yargs';
import type { ApplyChoice } from './apply-output.js';
import { configOptions, type GlobalOptions } from './options.js';

export const command: CommandModule<GlobalOptions, ApplyChoice> = {
  command: 'apply',
  describe: 'Make the machine what the config says: all of it, or nothing',
  builder: (parser) =>
    configOptions(parser)
      .option('allow-removals', {
        type: 'number',
        requiresArg: true,
        describe: 'Remove up to this many packages [default: 2, or 5 % of them]',
      })
      .option('refetch', {
        type: 'boolean',
        default: false,
        describe: 'Accept that a dst is empty, moved or on a new disk, and everything is downloaded again',
      })
      .option('take-over', {
        type: 'boolean',
        default: false,
        describe:
          'Make the states of another machine, or of this one before it was installed anew, those of this one',
      })
      .option('adopt', {
        type: 'boolean',
        default: false,
        describe: 'Turn edits of generated units into drop-ins',
      })
      .option('force', { type: 'boolean', default: false, describe: 'Overwrite edited files' })
      .option('hold', {
        type: 'boolean',
        default: false,
        describe: 'Install new packages held; `mirror unhold ID` lets them go one by one',
      })
      .option('stop-removed', {
        type: 'boolean',
        default: false,
        describe: 'End running syncs of packages that go away',
      })
      .example('$0 apply', 'after `mirror plan`')
      .example('$0 apply --hold', 'to take over from another tool one package at a time'),
  handler: async (options) => {
    const { applyConfig } = await import('./apply-output.js');
    await applyConfig(options);
  },
};
