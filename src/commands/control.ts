import type { CommandModule } from 'yargs';
import { ExitError } from './exit.js';
import { longExample, type GlobalOptions } from './options.js';

interface Options extends GlobalOptions {
  readonly starter: boolean;
  readonly peer: string | undefined;
}

/** Handled by a bundle of its own (`main.ts`); here for `--help` and for options that come before the command. */
export const command: CommandModule<GlobalOptions, Options> = {
  command: 'control',
  describe: 'Serve one connection of the control socket; mirror-control.socket starts it',
  builder: (parser) =>
    parser
      .option('starter', {
        type: 'boolean',
        default: false,
        describe: 'Be root’s half: start or stop the unit of one applied package',
      })
      .option('peer', {
        type: 'string',
        requiresArg: true,
        describe: 'Who connected: the unit’s instance name',
      })
      .epilogue(
        longExample(
          'systemd-socket-activate --accept -l ./control.sock $0 control',
          'try it without its units',
        ),
      ),
  handler: async ({ root, starter, peer }) => {
    const { control } = await import('../control/main.js');
    const flags = [
      ...(root === undefined ? [] : ['--root', root]),
      ...(starter ? ['--starter'] : []),
      ...(peer === undefined ? [] : ['--peer', peer]),
    ];
    const code = await control(flags);
    if (code !== 0) throw new ExitError(code);
  },
};
