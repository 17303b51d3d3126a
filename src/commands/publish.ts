import type { CommandModule } from 'yargs';
import { ExitError } from './exit.js';
import type { GlobalOptions } from './options.js';

/** Handled by the executor's bundle (`main.ts`); here for `--help` and for options that come before the command. */
export const command: CommandModule<GlobalOptions, GlobalOptions> = {
  command: 'publish',
  describe:
    'Repair dead runs and write stat.json and status.json anew (systemd and cron call this every 15 minutes)',
  builder: (yargs) => yargs.example('mirror publish', 'after restoring the state directory from a backup'),
  handler: async (argv) => {
    const { execute } = await import('../run/publish-main.js');
    const code = await execute(argv.root === undefined ? [] : ['--root', argv.root]);
    if (code !== 0) throw new ExitError(code);
  },
};
