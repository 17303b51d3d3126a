import { readFileSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LogFile } from './log-file.js';

/** Adds the log files that a tool wrote into a directory of its own to the run's log, each under its name. */
export function gatherLogs(directory: string, log: LogFile): void {
  let names: string[] = [];
  try {
    names = readdirSync(directory).sort();
  } catch {
    // The tool wrote none.
  }
  for (const name of names) {
    try {
      const text = readFileSync(join(directory, name));
      if (text.length === 0) continue;
      log.note('INFO', `${name}:`);
      writeSync(log.fd, text);
      if (text.at(-1) !== 10) writeSync(log.fd, '\n');
    } catch {
      // A directory, or no room for it in the log: the run is not the worse for it.
    }
  }
}
