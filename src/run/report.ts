import { writeSync } from 'node:fs';
import type { Outcome } from '../job/outcome.js';
import type { RunRecord, Transfer } from '../state/package-state.js';

/** What a person who started a run is told on stdout: a line, or with `--json` one object. */
export function reportRun(
  id: string,
  outcome: Outcome,
  exit: number,
  record: RunRecord | null,
  json: boolean,
): void {
  const text = json
    ? JSON.stringify({ format: 'mirror/run/1', id, exit, ...plain(outcome), record }, null, 2)
    : sentence(id, outcome, record);
  try {
    writeSync(1, `${text}\n`);
  } catch {
    // Nobody listens any more.
  }
}

/** An outcome again from its record, for a run that another process made. */
export function outcomeOfRecord(record: RunRecord): Outcome {
  const { outcome, failure, reason } = record;
  return { kind: outcome, failure, reason: reason ?? '' } as Outcome;
}

function plain(outcome: Outcome): object {
  return {
    outcome: outcome.kind,
    failure: outcome.kind === 'failed' ? outcome.failure : null,
    reason: 'reason' in outcome ? outcome.reason : null,
  };
}

function sentence(id: string, outcome: Outcome, record: RunRecord | null): string {
  const kind = outcome.kind === 'failed' ? `failed (${outcome.failure})` : outcome.kind;
  const reason = 'reason' in outcome && outcome.reason !== '' ? `: ${outcome.reason}` : '';
  if (record === null) return `${id}: ${kind}${reason}`;
  const seconds = ((record.ended - record.started) / 1000).toFixed(1);
  const moved = record.transfer === null ? '' : `, ${transferred(record.transfer)}`;
  const log = record.log === null ? '' : `\nlog: ${record.log}`;
  return `${id}: ${kind}${reason} (${seconds} s${moved})${log}`;
}

function transferred(transfer: Transfer): string {
  const all = transfer.files === null ? '' : ` of ${String(transfer.files)}`;
  const files = `${String(transfer.transferred_files ?? 0)}${all} files`;
  return `${files}, ${String(transfer.transferred_bytes ?? 0)} bytes, ${String(transfer.deleted ?? 0)} deleted`;
}
