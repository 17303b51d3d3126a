import type { CommandModule } from 'yargs';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly id: string;
  readonly scheduled: boolean;
  readonly here: boolean;
  readonly 'dry-run': boolean;
  readonly transfer: boolean;
  readonly 'allow-deletes': number | undefined;
}

/** Handled by the executor's bundle (`main.ts`); here for `--help` and for options that come before the command. */
export const command: CommandModule<GlobalOptions, Options> = {
  command: 'run <id>',
  describe: 'Run one sync of a package and wait for its end (on a systemd host, by starting its unit)',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', demandOption: true, describe: 'Package' })
      .option('allow-deletes', {
        type: 'number',
        requiresArg: true,
        describe:
          'Let this one run delete up to N entries; when it ends well, the block of a tripped guard is lifted',
      })
      .option('here', { type: 'boolean', default: false, describe: 'Run in this process, without the unit' })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Print what would be run, run nothing',
      })
      .option('transfer', {
        type: 'boolean',
        default: false,
        implies: 'dry-run',
        describe: "Run the sync tool's own dry run, and say what it would add, change and delete",
      })
      .option('scheduled', {
        type: 'boolean',
        default: false,
        describe: 'For timers and cron lines: run only if a slot is due, and try again after failures',
      })
      .example('$0 run CTAN', 'sync now, and see how it ends')
      .example('$0 run CTAN --allow-deletes 120000', 'upstream really did remove that many files'),
  handler: async (options) => {
    const { execute } = await import('../run/main.js');
    const allow = options['allow-deletes'];
    const flags = [
      ...(options.root === undefined ? [] : ['--root', options.root]),
      ...(options.scheduled ? ['--scheduled'] : []),
      ...(options.here ? ['--here'] : []),
      ...(options['dry-run'] ? ['--dry-run'] : []),
      ...(options.transfer ? ['--transfer'] : []),
      ...(options.json ? ['--json'] : []),
      ...(allow === undefined ? [] : ['--allow-deletes', String(allow)]),
    ];
    const code = await execute([...flags, '--', options.id]);
    if (code !== 0) throw new ExitError(code);
  },
};
