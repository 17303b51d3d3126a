import { readSync, writeSync } from 'node:fs';

/** Names the descriptor on which root serves the process that it started as another user. */
export const HANDOVER_VARIABLE = 'MIRROR_HANDOVER';

/** Names the person who called the command that root handed over. */
export const ASKED_BY_VARIABLE = 'MIRROR_ASKED_BY';

/** What root gives the process at its start, as one line of JSON. */
export interface Provision {
  /** Texts of secrets, or why one cannot be had, by name: only root may read their files. */
  readonly secrets: Readonly<Record<string, { readonly text: string } | { readonly problem: string }>>;
}

const descriptor = takeDescriptor();

/** Who called the command before root handed it over; null in a process that root did not start so. */
export const askedBy: string | null = descriptor === null ? null : (process.env[ASKED_BY_VARIABLE] ?? null);

let provision: Provision | null = null;

/** Whether root started this process in its place (`handOver`), and does for it what only root may do. */
export function isHandedOver(): boolean {
  return descriptor !== null;
}

/** Returns what root gave this process. Throws when root did not start it. */
export function readProvision(): Provision {
  return (provision ??= JSON.parse(readLine()) as Provision);
}

/**
 * Has root carry out an order: `start ID`, `stop ID` or `notify`. Returns null when that was done, else what went wrong.
 * Waits for the answer, whatever else this process has to do.
 */
export function askRoot(order: string): string | null {
  readProvision();
  if (descriptor === null) throw new Error('root does not serve this process');
  writeSync(descriptor, `${order}\n`);
  const answer = readLine();
  return answer === 'ok' ? null : answer;
}

/** The variable is for this process alone: those that it starts have no such descriptor. */
function takeDescriptor(): number | null {
  const text = process.env[HANDOVER_VARIABLE];
  delete process.env.MIRROR_HANDOVER;
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** Reads byte by byte: what follows the line belongs to the next call. */
function readLine(): string {
  const bytes: number[] = [];
  const one = Buffer.alloc(1);
  while (descriptor !== null && readSync(descriptor, one, 0, 1, null) === 1) {
    if (one[0] === 10) return Buffer.from(bytes).toString('utf8');
    bytes.push(one[0] ?? 0);
  }
  throw new Error('the process that root left behind to serve this one has ended');
}
