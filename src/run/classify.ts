import type { FailureKind, Outcome } from '../job/outcome.js';
import type { Tool } from '../job/step.js';

/** How a tool ended by itself. */
export interface ToolExit {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it printed. */
  readonly output: string;
}

type Verdict = FailureKind | 'synced' | 'partial' | 'interrupted' | 'blocked';

/** A row matches when its exit is listed (null: any but 0) and its text, if any, was printed; the first one decides. */
type Row = readonly [exits: readonly number[] | null, text: RegExp | null, verdict: Verdict, meaning: string];

const OK: Row = [[0], null, 'synced', ''];

/** Rows that come before `accept_exit`: no site wants these accepted. */
const NEVER_ACCEPTED: Readonly<Record<Tool, readonly Row[]>> = {
  rsync: [
    // rsync reports 23 or 24 rather than 25 when files were also missing; the guard tripped all the same.
    [null, /^Deletions stopped due to --max-delete limit/m, 'blocked', 'the delete guard stopped deletions'],
    [[25], null, 'blocked', 'the delete guard stopped deletions'],
    [
      null,
      /^rsync: (?!\[sender\]).*(No space left on device|Disk quota exceeded)/m,
      'space',
      'no space left',
    ],
  ],
  command: [],
};

/** Exit × stderr → outcome. rsync's codes are those of rsync(1) 3.x, a command's those of sysexits(3). */
const TABLE: Readonly<Record<Tool, readonly Row[]>> = {
  rsync: [
    OK,
    [[24], null, 'partial', 'files vanished upstream during the transfer'],
    // Not at the start of a line: rsync may have asked for a password first.
    [[5], /@ERROR: (auth failed|access denied|Unknown module)/i, 'auth', 'refused by upstream'],
    [[5], /password file|server requested a password/i, 'auth', 'password trouble'],
    [[5], null, 'unavailable', 'upstream did not start the transfer'],
    [[12, 255], /Permission denied \(|Host key verification failed/, 'auth', 'refused by ssh'],
    [[10, 12, 30, 35, 255], null, 'unavailable', 'connection to upstream failed'],
    [[1, 2, 4], null, 'config', 'rsync does not take these arguments, or upstream is too different'],
    [[3, 11, 14, 22], null, 'io', 'local trouble'],
    [[20], null, 'interrupted', 'rsync was told to stop'],
    [[23], null, 'transfer', 'some files were not transferred'],
    [[126, 127], null, 'config', 'rsync cannot be run'],
  ],
  command: [
    OK,
    [[69, 75], null, 'unavailable', 'the command says: try later'],
    [[64, 78, 126, 127], null, 'config', 'the command says: wrong configuration'],
    [[77], null, 'auth', 'the command says: permission denied'],
    [[73], null, 'space', 'the command cannot create its output'],
    [[74], null, 'io', 'the command says: input/output error'],
  ],
};

/** A tool that was killed by one of these was told to end; any other signal is a crash. */
const TOLD_TO_END: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** The outcome of an exec step, from one table for each tool. `accept` is the package's `accept_exit`. */
export function classify(tool: Tool, end: ToolExit, accept: Readonly<Record<string, string>> = {}): Outcome {
  if (end.exit === null) {
    const told = TOLD_TO_END.includes(end.signal ?? '');
    const reason = `${tool} was ended by ${end.signal ?? 'an unknown signal'}`;
    return told ? { kind: 'interrupted', reason } : { kind: 'failed', failure: 'tool', reason };
  }
  const exit = end.exit;
  const never = NEVER_ACCEPTED[tool].find((row) => matches(row, exit, end.output));
  if (never) return outcome(never, tool, end);
  const accepted = accept[String(exit)];
  if (accepted !== undefined && exit !== 0)
    return { kind: 'incomplete', reason: `exit ${exit}: ${accepted}` };
  const row = TABLE[tool].find((candidate) => matches(candidate, exit, end.output));
  return outcome(row ?? [[exit], null, 'tool', `${tool} failed`], tool, end);
}

/** Exits after which rsync never began to change dst: it got no further than upstream's door. */
export function neverStarted(tool: Tool, exit: number | null): boolean {
  return tool === 'rsync' && exit !== null && [1, 2, 4, 5, 10, 35].includes(exit);
}

function matches([exits, text]: Row, exit: number, output: string): boolean {
  return (exits === null ? exit !== 0 : exits.includes(exit)) && (text === null || text.test(output));
}

function outcome([, text, verdict, meaning]: Row, tool: Tool, end: ToolExit): Outcome {
  const said = evidence(end.output, text);
  const reason = `${meaning} (exit ${String(end.exit)})${said === null ? '' : `: ${said}`}`;
  if (verdict === 'synced') return { kind: 'synced' };
  if (verdict === 'partial' || verdict === 'interrupted' || verdict === 'blocked')
    return { kind: verdict, reason };
  return {
    kind: 'failed',
    failure: verdict,
    reason: tool === 'command' ? lastLine(reason, end.output) : reason,
  };
}

/** The line that says most: the one that decided, upstream's error, or rsync's first one. */
function evidence(output: string, text: RegExp | null): string | null {
  const lines = output.split('\n');
  const said =
    (text && lines.find((line) => text.test(line))) ??
    lines.find((line) => line.includes('@ERROR')) ??
    lines.find((line) => line.startsWith('rsync: ')) ??
    null;
  return said === null ? null : printable(said.replace(/^Password: /, ''));
}

function lastLine(reason: string, output: string): string {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  return last === '' ? reason : `${reason}: ${printable(last)}`;
}

/** Upstream's words end up in terminals and status pages: no control characters, no novels. */
function printable(line: string): string {
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?').slice(0, 300);
}
