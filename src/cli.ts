import './jit.js';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import manifest from '../package.json' with { type: 'json' };
import { printForCopiedTerminal } from './boundary/terminal.js';
import { commands } from './commands/index.js';
import { idCompletions } from './commands/completing.js';
import { endOfOptions } from './commands/double-dash.js';
import { ExitError } from './commands/exit.js';
import { globalOptions } from './commands/options.js';
import { nearest } from './diagnostics/suggest.js';
import { EXIT } from './job/outcome.js';
import { refusedBySystem } from './job/system-error.js';
import { unprinted } from './run/console.js';

printForCopiedTerminal();
// A reader that went away (`| head`), or a full disk, is no bug.
process.stdout.on('error', (error: Error) => process.exit(unprinted(error)));
const ids = idCompletions(hideBin(process.argv));
if (ids) process.stdout.write(ids.map((id) => `${id}\n`).join(''));
else process.exitCode = await main(hideBin(process.argv));

/** Runs one command; the only place that turns an error into an exit code. */
async function main(args: string[]): Promise<number> {
  try {
    const parser = globalOptions(yargs(endOfOptions(args)))
      .scriptName('mirror')
      // The package has no package.json beside the program.
      .version(manifest.version)
      .usage('$0 <command>\n\nCompile a mirror config into systemd units or crontab lines, and run one sync.')
      .command([...commands])
      .completion('completion', 'Print a completion script for bash or zsh')
      .demandCommand(1, 'name a command')
      .strictCommands()
      .strict()
      .check(namedOnce)
      .exitProcess(false)
      .wrap(Math.min(110, process.stdout.columns || 80))
      .epilogue('Exit codes and the config: see README.md. `mirror <command> --help` shows an example.')
      .fail((message: string | null, error: Error | undefined) => {
        // yargs throws errors of its own for some misuses (`-c` without a value); any other is ours to explain.
        if (error !== undefined && error.name !== 'YError') throw error;
        const said = message ?? error?.message ?? 'bad usage';
        throw new ExitError(EXIT.usage, `mirror: ${unknownCommand(said) ?? said}\nTry: mirror --help`);
      });
    await parser.parseAsync();
    return EXIT.ok;
  } catch (error) {
    if (error instanceof ExitError) {
      if (error.message !== '') process.stderr.write(`${error.message}\n`);
      return error.code;
    }
    // What the system refuses (a full disk, a directory that cannot be made) is no bug.
    const refused = refusedBySystem(error, EXIT.cantCreate);
    if (refused !== null) {
      process.stderr.write(`mirror: ${refused.text}\n`);
      return refused.exit;
    }
    process.stderr.write(
      `mirror: this is a bug in mirror; please report it with the following lines\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.internal;
  }
}

/** Of an option given twice yargs makes a list, which only the ids of packages may be. Throws ExitError. */
function namedOnce(options: Readonly<Record<string, unknown>>): true {
  const twice = Object.keys(options).find(
    (name) => !['_', 'id', 'allow-outside', 'allowOutside'].includes(name) && Array.isArray(options[name]),
  );
  if (twice === undefined) return true;
  const dashes = twice.length === 1 ? '-' : '--';
  throw new ExitError(EXIT.usage, `mirror: ${dashes}${twice} may be given once only\nTry: mirror --help`);
}

/** What yargs says of a command that there is none of, with the one that was probably meant; null for any other words. */
function unknownCommand(said: string): string | null {
  const word = /^Unknown command: (\S+)$/.exec(said)?.[1];
  if (word === undefined) return null;
  const names = commands.map(({ command }) => String(command).split(' ')[0] ?? '');
  const near = nearest(word, names);
  return `unknown command \`${word}\`${near === null ? '' : `; did you mean \`${near}\`?`}`;
}
