import { parsePublishArguments } from './arguments.js';
import { complain } from './complain.js';
import { publishCommand } from './publish.js';

/**
 * `mirror publish`, a bundle of its own (`dist/publish.cjs`): every run's unit starts it once more when the run is over
 * (ExecStopPost=), so it loads nothing of what runs. Ends the process.
 */
export async function main(argv: readonly string[]): Promise<never> {
  process.exit(await execute(argv));
}

/** Like `main`, returning the exit code. Never throws: what goes wrong is said on stderr. */
export async function execute(argv: readonly string[]): Promise<number> {
  try {
    const { root, json } = parsePublishArguments(argv);
    return await publishCommand(root, json);
  } catch (error) {
    return complain('publish', error);
  }
}
