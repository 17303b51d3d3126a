/** The signals that end a run, with the number that its exit code is 128 plus. */
export const ENDING_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
export type EndingSignal = keyof typeof ENDING_SIGNALS;

/** Whether somebody wants this process to end. */
export interface Interruption {
  /** The first signal that came, or null. */
  readonly signal: EndingSignal | null;
  /** Calls `listener` with 1 at the first signal, 2 at the second, …; returns how to stop listening. */
  subscribe(listener: (count: number) => void): () => void;
}

/** Takes over SIGTERM, SIGINT and SIGHUP for the rest of this process's life. */
export function watchSignals(): Interruption {
  const listeners = new Set<(count: number) => void>();
  let signal: EndingSignal | null = null;
  let count = 0;
  for (const name of Object.keys(ENDING_SIGNALS) as EndingSignal[]) {
    process.on(name, () => {
      signal ??= name;
      count += 1;
      for (const listener of [...listeners]) listener(count);
    });
  }
  return {
    get signal() {
      return signal;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
