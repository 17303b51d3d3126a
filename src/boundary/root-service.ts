import { readSync, writeSync } from 'node:fs';

/** Names the descriptor on which root serves the process that it started as another user, and root's own pid: `3 1234`. */
export const HANDOVER_VARIABLE = 'MIRROR_HANDOVER';

/** The descriptor of the connection that `mirror daemon` has the process serve. */
export const CONNECTION = 4;

/** Names the person who called the command that root handed over. */
export const ASKED_BY_VARIABLE = 'MIRROR_ASKED_BY';

/** What root gives the process at its start, as one line of JSON. */
export interface Provision {
  /** Texts of secrets, or why one cannot be had, by name: only root may read their files. */
  readonly secrets: Readonly<Record<string, { readonly text: string } | { readonly problem: string }>>;
}

const served = takeService();
const descriptor = served?.descriptor ?? null;

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
 * Has root carry out an order: `start ID`, `stop ID` or `notify`; `mirror daemon` knows more (`daemon/orders.ts`). Returns
 * null when that was done, else what root says. Waits for the answer, whatever else this process has to do.
 */
export function askRoot(order: string): string | null {
  readProvision();
  if (descriptor === null) throw new Error('root does not serve this process');
  writeSync(descriptor, `${order}\n`);
  const answer = readLine();
  return answer === 'ok' ? null : answer;
}

/** Ends this process soon after the one that serves it, however that ends; also if it ended before this one looked. */
export function endWithParent(): void {
  const look = (): void => {
    if (served !== null && process.ppid !== served.by) process.exit(1);
  };
  setInterval(look, 500).unref();
}

/** The variable is for this process alone: those that it starts have no such descriptor. */
function takeService(): { readonly descriptor: number; readonly by: number } | null {
  const [, descriptor, by] = /^(\d+) (\d+)$/.exec(process.env[HANDOVER_VARIABLE] ?? '') ?? [];
  delete process.env.MIRROR_HANDOVER;
  return descriptor === undefined ? null : { descriptor: Number(descriptor), by: Number(by) };
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
