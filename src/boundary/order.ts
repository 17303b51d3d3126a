import { ID } from '../job/job.js';

/** What a process of another user may have root do: start or stop a package, or send the notices that are due. */
export type Order = { readonly verb: 'start' | 'stop'; readonly id: string } | { readonly verb: 'notify' };

/** Milliseconds that root waits for what an order began: its user may have stopped the process. */
export const NOTIFY_LIMIT_MS = 600_000;
export const STOP_LIMIT_MS = 120_000;

/** Reads `start ID`, `stop ID` or `notify`; null for anything else. Whether the package is applied is the caller's to ask. */
export function parseOrder(text: string): Order | null {
  if (text === 'notify') return { verb: 'notify' };
  const [, verb, id = ''] = /^(start|stop) (.+)$/.exec(text) ?? [];
  return (verb === 'start' || verb === 'stop') && ID.test(id) ? { verb, id } : null;
}

/** What is said of an order that is none. */
export function describeUnknownOrder(text: string): string {
  return `unknown order ${JSON.stringify(text.slice(0, 100))}`;
}
