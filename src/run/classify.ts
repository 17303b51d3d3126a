import type { Outcome } from '../job/outcome.js';
import { toPlainText } from '../job/plain-text.js';
import type { Row, ToolTable } from './tools/table.js';

/** How a tool ended by itself. */
export interface ToolExit {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it printed. */
  readonly output: string;
}

/** A tool that was killed by one of these was told to end; any other signal is a crash. */
const TOLD_TO_END: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** Characters of upstream's words that a reason has: no novels. */
const LONGEST = 300;

/** The outcome of an exec step by its tool's table. `accept` is the package's `accept_exit`. */
export function classify(
  tool: ToolTable,
  end: ToolExit,
  accept: Readonly<Record<string, string>> = {},
): Outcome {
  if (end.exit === null) {
    const told = TOLD_TO_END.includes(end.signal ?? '');
    const reason = `${tool.name} was ended by ${end.signal ?? 'an unknown signal'}`;
    return told ? { kind: 'interrupted', reason } : { kind: 'failed', failure: 'tool', reason };
  }
  const exit = end.exit;
  const never = tool.never.find((row) => matches(row, exit, end.output));
  if (never) return outcome(never, tool, end);
  const accepted = accept[String(exit)];
  if (accepted !== undefined && exit !== 0)
    return { kind: 'incomplete', reason: `exit ${exit}: ${accepted}` };
  const row = tool.rows.find((candidate) => matches(candidate, exit, end.output));
  return outcome(row ?? [[exit], null, 'tool', `${tool.name} failed`], tool, end);
}

function matches([exits, text]: Row, exit: number, output: string): boolean {
  return (exits === null ? exit !== 0 : exits.includes(exit)) && (text === null || text.test(output));
}

function outcome([, text, verdict, meaning]: Row, tool: ToolTable, end: ToolExit): Outcome {
  if (verdict === 'synced') return { kind: 'synced' };
  const said = evidence(end.output, text === null ? tool.explains : [text, ...tool.explains]);
  const reason = `${meaning} (exit ${String(end.exit)})${said === null ? '' : `: ${said}`}`;
  if (verdict === 'partial' || verdict === 'incomplete' || verdict === 'interrupted' || verdict === 'blocked')
    return { kind: verdict, reason };
  return { kind: 'failed', failure: verdict, reason };
}

/** The line that says most: the one that decided, else the first that the tool's table knows to explain. */
function evidence(output: string, explains: ToolTable['explains']): string | null {
  const lines = output.trimEnd().split('\n');
  for (const which of explains) {
    const said = which === 'last' ? lines.at(-1) : lines.find((line) => which.test(line));
    if (said !== undefined && said !== '')
      return toPlainText(
        said.replace(/^(Password: |receiving file list \.\.\. )| Calculated: \S+/, ''),
      ).slice(0, LONGEST);
  }
  return null;
}
