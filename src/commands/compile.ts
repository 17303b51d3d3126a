import type { CommandModule } from 'yargs';
import { jsonText } from '../job/plain-text.js';
import { configOptions, type GlobalOptions } from './options.js';

interface CompileOptions extends GlobalOptions {
  readonly out: string;
}

/** Writes what an apply would install below a directory, for review in git; secrets are left out. */
export const command: CommandModule<GlobalOptions, CompileOptions> = {
  command: 'compile',
  describe: 'Write the compiled tree below a directory, without secrets, for review',
  builder: (yargs) =>
    configOptions(yargs)
      .option('out', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'Directory to write to',
      })
      .example('$0 compile --out compiled', 'then `git add compiled && git diff --cached`'),
  handler: async (argv) => {
    const { loadSite } = await import('./load-site.js');
    const { TreeError, writeTree } = await import('./compile-tree.js');
    const { ExitError } = await import('./exit.js');
    const { compilation, layout } = loadSite(argv);
    try {
      const result = writeTree(argv.out, compilation.artifacts, layout.root);
      const { written, removed, unchanged } = result;
      process.stdout.write(
        argv.json
          ? `${jsonText({ format: 'mirror/compile/1', out: argv.out, ...result })}\n`
          : `${argv.out}: ${written.length} written, ${removed.length} removed, ${unchanged} unchanged\n`,
      );
    } catch (error) {
      if (error instanceof TreeError) throw new ExitError(error.code, `mirror: ${error.message}`);
      throw error;
    }
  },
};
