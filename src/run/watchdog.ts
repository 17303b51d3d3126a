/** Milliseconds of a turn after which it is watched: most are over by then, and a process costs some of them. */
const LATER_MS = 2000;

/**
 * Ends this process where it no longer can: while a read or write blocks, neither timers nor signal handlers run. Who
 * watches is another process, see `special/leash`.
 */
export interface Watchdog {
  /** A source's turn begins. At `overdueAt` (epoch ms) tool and executor are killed. */
  begin(overdueAt: number): void;
  /** The group of the tool that runs now; 0: none. */
  tool(group: number): void;
  /** Nothing is to be watched any longer: the executor waits, or ends. */
  rest(): Promise<void>;
}

/** The other process, held by a pipe. */
export interface Leash {
  tool(group: number): void;
  /** Resolves when the process is gone: what is left in a unit when it ends is reported. */
  letGo(): Promise<void>;
}

/** Makes the watchdog of a run; it rests. */
export function makeWatchdog(): Watchdog {
  let timer: NodeJS.Timeout | undefined;
  let leash: Promise<Leash> | null = null;
  let tool = 0;
  return {
    begin(overdueAt) {
      timer = setTimeout(() => {
        leash = import('./special/index.js').then(({ putOnLeash }) => putOnLeash(overdueAt, tool));
      }, LATER_MS);
    },
    tool(group) {
      tool = group;
      void leash?.then((held) => held.tool(group));
    },
    async rest() {
      clearTimeout(timer);
      const held = await leash;
      leash = null;
      await held?.letGo();
    },
  };
}
