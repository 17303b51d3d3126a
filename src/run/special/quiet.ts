import { closeSync, constants, fstatSync, writeFileSync } from 'node:fs';
import { openRegularFile } from '../../boundary/regular-file.js';
import type { ExecStep } from '../../job/step.js';
import { executeStep } from '../exec.js';
import type { ExecEnd } from '../exec.js';
import { readTail } from '../log-file.js';
import type { LogFile } from '../log-file.js';
import type { Turn } from '../steps.js';

/** How much of a tool's output is looked at to tell how it ended, and copied to the log of a run that it fails. */
const TAIL_BYTES = 64 * 1024;

/**
 * Runs a tool whose answer is data: what it prints goes into a file of the run at `path` and not into the log, which gets
 * the command, and the end of the answer if the tool fails. The answer is subject to the log's own size limit.
 */
export async function executeQuietly(turn: Turn, step: ExecStep, path: string): Promise<ExecEnd> {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_TRUNC;
  const fd = openRegularFile(path, flags, { mode: 0o600 });
  try {
    const answer = answerLog(turn.log, path, fd);
    const end = await executeStep({ ...turn, log: answer }, step, 'probe');
    if (end.outcome.kind !== 'synced') writeFileSync(turn.log.fd, answer.since(0));
    return end;
  } finally {
    closeSync(fd);
  }
}

/** A log of the answer alone: lines of ours go to the run's. */
function answerLog(log: LogFile, path: string, fd: number): LogFile {
  const size = (): number => fstatSync(fd).size;
  return {
    path,
    fd,
    limitBytes: log.limitBytes,
    note: log.note,
    lost: log.lost,
    size,
    room: () => log.limitBytes - size(),
    since: (from) => readTail(fd, from, TAIL_BYTES),
    close: () => undefined,
  };
}
