import type { CommandModule } from 'yargs';
import { configOptions, type GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly summary: boolean;
  readonly 'detailed-exitcode': boolean;
  readonly at: string | undefined;
}

export const command: CommandModule<GlobalOptions, Options> = {
  command: 'plan',
  describe: 'Show what apply would change: in words, then as diffs; changes nothing',
  builder: (parser) =>
    configOptions(parser)
      .option('summary', { type: 'boolean', default: false, describe: 'Words only, no diffs' })
      .option('detailed-exitcode', {
        type: 'boolean',
        default: false,
        describe: 'Exit 0 for no changes, 1 for an error or what apply would refuse, 2 for changes',
      })
      .option('at', {
        type: 'string',
        requiresArg: true,
        describe: 'Count the next runs from this time (2026-11-30T18:00, or a duration from now)',
      })
      .example('$0 plan', 'before an apply')
      .example('$0 plan --detailed-exitcode --json', 'in a script'),
  handler: async (options) => {
    const { showPlan } = await import('./plan-output.js');
    await showPlan(options, Date.now());
  },
};
