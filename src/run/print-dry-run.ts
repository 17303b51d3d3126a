import { printForCopiedTerminal } from '../boundary/terminal.js';
import type { Job } from '../job/job.js';
import type { Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { peekState } from '../state/store.js';
import type { RunArguments } from './arguments.js';
import { print } from './console.js';
import { describeRun, dryRunText } from './dry-run.js';
import { describeTransfer } from './dry-transfer.js';
import { readSecrets } from './secrets.js';

/**
 * `mirror run --dry-run`: prints what a run would do and, with `--transfer`, what its tools say they would move. Returns the
 * exit code.
 */
export async function printDryRun(args: RunArguments, layout: Layout, job: Job): Promise<number> {
  printForCopiedTerminal();
  const commands = describeRun(job, peekState(layout, job.id), args.allowDeletes);
  const printed = args.json ? EXIT.ok : await print(commands.join('\n'));
  if (printed !== EXIT.ok) return printed;
  const secrets = args.transfer ? readSecrets(job, process.env.CREDENTIALS_DIRECTORY) : new Map();
  const transfer = args.transfer ? await describeTransfer(job, secrets) : null;
  const text = args.json ? dryRunText(job.id, commands, transfer) : transfer?.lines.join('\n');
  const ended = text === undefined ? EXIT.ok : await print(text);
  return ended === EXIT.ok ? (transfer?.exit ?? EXIT.ok) : ended;
}
