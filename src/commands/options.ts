import type { Argv } from 'yargs';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly config?: string | undefined;
  readonly root?: string | undefined;
  /** Directories outside of the config's own whose files it may include. */
  readonly 'allow-outside'?: readonly string[] | undefined;
  readonly json: boolean;
}

/** Declares them once, for `cli.ts`. */
export function globalOptions(parser: Argv): Argv<GlobalOptions> {
  return (
    parser
      .option('config', {
        alias: 'c',
        type: 'string',
        describe: 'Config file [default: /etc/mirror/config.json]',
        global: true,
        requiresArg: true,
      })
      .option('root', {
        type: 'string',
        describe: 'Relocate everything mirror installs and owns below this directory',
        global: true,
        requiresArg: true,
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object', global: true })
      // Stands for `--`; see double-dash.ts.
      .option('words', { type: 'boolean', hidden: true, global: true })
  );
}

/** Declares what commands that read the config take beside; its files lie together unless the operator says otherwise. */
export function configOptions(parser: Argv<GlobalOptions>): Argv<GlobalOptions> {
  return parser.option('allow-outside', {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'Let the config include files of this directory, too, and messages quote them; may be repeated',
  });
}

/** An example for a command's epilogue: one whose line yargs would wrap in its column, so that nobody could copy it. */
export function longExample(line: string, why: string): string {
  return `  ${line}\n      ${why}`;
}
