import { ftruncateSync, writeSync } from 'node:fs';
import type { Outcome } from '../../job/outcome.js';
import { formatBytes } from '../free-space.js';
import type { LogFile } from '../log-file.js';

/** How a run ends whose tool has written more than its log may have. */
export function logOutcome({ limitBytes }: LogFile): Outcome {
  const reason = `the log is larger than ${formatBytes(limitBytes)} (\`logger.max_size\`)`;
  return { kind: 'failed', failure: 'log', reason };
}

/** Cuts off what is beyond a log's limit; returns how its run ends. Throws the system's error. */
export function cutLog(log: LogFile): Outcome {
  ftruncateSync(log.fd, log.limitBytes);
  writeSync(log.fd, '\n');
  log.note('WARNING', 'the rest of this log is cut off');
  return logOutcome(log);
}
