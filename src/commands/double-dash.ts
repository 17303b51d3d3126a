import { EXIT } from '../job/outcome.js';
import { ExitError } from './exit.js';

/**
 * Words of a command line as yargs has to read them: it gives a command nothing of what follows `--`. The hidden switch
 * `--words` stands there instead, so that no option before it takes a package for its value. Throws ExitError 66 for a
 * word that yargs would take for an option: no package is called so.
 */
export function endOfOptions(args: readonly string[]): string[] {
  const at = args.indexOf('--');
  if (at < 0) return [...args];
  const words = args.slice(at + 1);
  const option = words.find((word) => word.startsWith('-'));
  if (option !== undefined)
    throw new ExitError(
      EXIT.noInput,
      `mirror: no package is called \`${option}\`: ids start with a letter or digit`,
    );
  return [...args.slice(0, at), '--words', ...words];
}
