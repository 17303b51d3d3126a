import { readFileSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import { jsonText } from '../job/plain-text.js';
import { configOptions, longExample, type GlobalOptions } from './options.js';

interface CrontabOptions extends GlobalOptions {
  readonly user: string;
  readonly merge: boolean;
}

/** Prints the lines for a user's own crontab; installing them stays with that user's crontab(1). */
export const command: CommandModule<GlobalOptions, CrontabOptions> = {
  command: 'crontab',
  describe: "Print the marked block for a user's own crontab",
  builder: (yargs) =>
    configOptions(yargs)
      .option('user', {
        alias: 'u',
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'Whose crontab: the runs become nobody else',
      })
      .option('merge', {
        type: 'boolean',
        default: false,
        describe: 'Read that crontab on stdin and print it whole, with the block put in or replaced',
      })
      .example('$0 crontab -u ftp', 'the block alone')
      .epilogue(
        longExample('crontab -l | $0 crontab -u ftp --merge | crontab -', 'as ftp: put it in, or replace it'),
      ),
  handler: async (argv) => {
    const { loadSite } = await import('./load-site.js');
    const { userBlock } = await import('../schedulers/crontab/file.js');
    const { mergeCrontab, CrontabMarkError } = await import('../schedulers/crontab/merge.js');
    const { ExitError } = await import('./exit.js');
    const { site, compilation, layout, executable } = loadSite(argv);
    const others = site.packages.filter((pkg) => String(pkg.user) !== argv.user).map((pkg) => pkg.id);
    if (others.length > 0) {
      process.stderr.write(
        `mirror: ${argv.user}'s crontab runs everything as ${argv.user}; the config has another user for ${others.join(', ')}\n`,
      );
    }
    const block = userBlock(site, { layout, executable, nameServers: [], jobs: compilation.jobs });
    try {
      const text = argv.merge ? mergeCrontab(readFileSync(0, 'utf8'), block) : block;
      process.stdout.write(
        argv.json ? `${jsonText({ format: 'mirror/crontab/1', user: argv.user, crontab: text })}\n` : text,
      );
    } catch (error) {
      if (error instanceof CrontabMarkError) throw new ExitError(78, `mirror: ${error.message}`);
      throw error;
    }
  },
};
