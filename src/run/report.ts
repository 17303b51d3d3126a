import type { Job } from '../job/job.js';
import type { Outcome } from '../job/outcome.js';
import { toOneLine } from '../job/plain-text.js';
import type { RunRecord, Transfer } from '../state/package-state.js';
import { unprinted, writeLine } from './console.js';
import { localTimes } from './local-time.js';

/** One line for people, with times on the clock of `zone`. */
export function describe(outcome: Outcome, zone: string): string {
  const kind = outcome.kind === 'failed' ? `failed (${outcome.failure})` : outcome.kind;
  const reason = reasonOf(outcome);
  return reason ? `${kind}: ${localTimes(reason, zone)}` : kind;
}

/** The same with how long the run took and what it moved, where there was one. */
export function tell(outcome: Outcome, record: RunRecord | null, zone: string): string {
  const how = describe(outcome, zone);
  if (record === null) return how;
  const seconds = ((record.ended - record.started) / 1000).toFixed(1);
  const moved = record.transfer === null ? '' : `, ${transferred(record.transfer)}`;
  return [`${how} (${seconds} s${moved})`, ...(record.omissions ?? []).map(({ text }) => text)].join('; ');
}

/** What a person who started a run of `job` is told on stdout: a line, or with `--json` one object. */
export function reportRun(
  { id, timezone }: Job,
  outcome: Outcome,
  exit: number,
  record: RunRecord | null,
  json: boolean,
): void {
  const log = record === null || record.log === null ? '' : `\nlog: ${record.log}`;
  const text = json
    ? JSON.stringify({ format: 'mirror/run/1', id, exit, ...recorded(outcome), record }, null, 2)
    : `${id}: ${tell(outcome, record, timezone)}${log}`;
  try {
    writeLine(1, text);
  } catch (error) {
    // A run ends as it went, whoever hears of it.
    unprinted(error as Error);
  }
}

/** An outcome as records have it. */
export function recorded(outcome: Outcome): Pick<RunRecord, 'outcome' | 'failure' | 'reason'> {
  return {
    outcome: outcome.kind,
    failure: outcome.kind === 'failed' ? outcome.failure : null,
    reason: reasonOf(outcome),
  };
}

/** The reason as one plain line of bounded length: an upstream's words must not fill a record, which would be unreadable. */
function reasonOf(outcome: Outcome): string | null {
  return 'reason' in outcome ? toOneLine(outcome.reason).slice(0, 1000) : null;
}

/** An outcome again from its record, for a run that another process made. */
export function outcomeOfRecord(record: RunRecord): Outcome {
  const { outcome, failure, reason } = record;
  return { kind: outcome, failure, reason: reason ?? '' } as Outcome;
}

function transferred(transfer: Transfer): string {
  const all = transfer.files === null ? '' : ` of ${String(transfer.files)}`;
  const files = `${String(transfer.transferred_files ?? 0)}${all} files`;
  return `${files}, ${String(transfer.transferred_bytes ?? 0)} bytes, ${String(transfer.deleted ?? 0)} deleted`;
}
