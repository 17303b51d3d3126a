/** The time, and waiting for it; tests bring their own. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Waits for so many milliseconds, or until `wake`. */
  sleep(ms: number): Promise<void>;
  /** Ends a sleep. */
  wake(): void;
}

/** The machine's clock. */
export function realClock(): Clock {
  let wake: () => void = () => undefined;
  return {
    now: () => Date.now(),
    sleep: (ms) =>
      new Promise((done) => {
        const timer = setTimeout(done, ms);
        wake = () => {
          clearTimeout(timer);
          done();
        };
      }),
    wake: () => wake(),
  };
}
