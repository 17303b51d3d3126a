import type { CommandModule } from 'yargs';
import { asMirrorUser, QUICK_LIMIT_MS } from './as-mirror-user.js';
import type { GlobalOptions } from './options.js';
import type { StatusOptions } from './status-report.js';

export const command: CommandModule<GlobalOptions, StatusOptions> = {
  command: 'status [id..]',
  describe: 'Show how each package is, from its state on disk',
  builder: (parser) =>
    parser
      .positional('id', { type: 'string', array: true, describe: 'Packages to show [default: all]' })
      .option('check', {
        type: 'boolean',
        default: false,
        describe: 'Be a monitoring plug-in: one line, exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN',
      })
      .option('max-age', {
        type: 'string',
        requiresArg: true,
        describe: 'With --check: CRITICAL when the last success is older, e.g. PT36H [default: stale_after]',
      })
      .example('$0 status', 'every package, one line each')
      .example('$0 status --check --max-age PT36H', 'for Nagios, Icinga and the like'),
  handler: asMirrorUser(
    async (options) => {
      const { check, show } = await import('./status-report.js');
      if (options.check) await check(options, Date.now());
      else await show(options, Date.now());
    },
    {
      limitMs: () => QUICK_LIMIT_MS,
      answerLate: async (options) => {
        if (options.check) (await import('./status-report.js')).answerUnknown(options);
      },
    },
  ),
};
