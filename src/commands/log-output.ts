import { closeSync, createReadStream, readSync } from 'node:fs';
import type { ReadStream } from 'node:fs';
import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import type { Layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { jsonText, escapeUnsafe } from '../job/plain-text.js';
import { isAlive } from '../state/alive.js';
import { readHistory } from '../state/history.js';
import { peekState } from '../state/store.js';
import { appliedSite, selectPackages } from './applied-site.js';
import { ExitError } from './exit.js';
import { openLog } from './open-log.js';
import type { GlobalOptions } from './options.js';

/** Which log, and what to do with it. */
export interface LogChoice extends GlobalOptions {
  readonly id: string;
  readonly run?: number | undefined;
  readonly 'last-error'?: boolean | undefined;
  readonly path: boolean;
  readonly follow: boolean;
}

const POLL = 200;
const PIECE_BYTES = 1 << 16;

/** Prints the chosen run's log, or its path. Throws ExitError 66 when there is none (any more), 64 for a bad number. */
export async function printLog(options: LogChoice): Promise<void> {
  const { layout, site } = appliedSite(options);
  selectPackages(site, [options.id]);
  const log = chosenLog(layout, options);
  const { path, fd } = openLog(layout, options.id, log);
  if (options.json) {
    closeSync(fd);
    process.stdout.write(`${jsonText({ format: 'mirror/logs/1', id: options.id, path })}\n`);
  } else if (options.path) {
    closeSync(fd);
    process.stdout.write(`${path}\n`);
  } else if (path.endsWith('.gz')) {
    await readable(path, () => pipeline(wholeOf(path, fd), createGunzip(), print));
  } else if (options.follow && runningLog(layout, options.id) === log) {
    await readable(path, () => follow(fd, () => runningLog(layout, options.id) === log));
  } else {
    await readable(path, () => pipeline(wholeOf(path, fd), print));
  }
}

function chosenLog(layout: Layout, { id, run, 'last-error': lastError }: LogChoice): string {
  if (run !== undefined && !(Number.isInteger(run) && run > 0)) {
    throw new ExitError(EXIT.usage, 'mirror: --run counts from 1, the last finished run that kept a log');
  }
  const state = peekState(layout, id);
  const logs = readHistory(layout, id).flatMap(({ log }) => (log === null ? [] : [log]));
  const log =
    lastError === true
      ? state.last_error_log
      : run !== undefined
        ? logs.at(-run)
        : (runningLog(layout, id) ?? logs.at(-1) ?? state.last?.log ?? state.last_success_log);
  if (log == null) throw new ExitError(EXIT.noInput, `mirror: ${id} has no such log`);
  return log;
}

/** Log of the run in progress, null when none lives. */
function runningLog(layout: Layout, id: string): string | null {
  const { run } = peekState(layout, id);
  return run !== null && isAlive(layout, id, run) ? run.log : null;
}

/** Copies what is there and what comes, until `goesOn` says no and everything was read; gzip's rename does not matter. */
async function follow(fd: number, goesOn: () => boolean): Promise<void> {
  try {
    for (;;) {
      const more = goesOn();
      await print(restOf(fd));
      if (!more) return;
      await sleep(POLL);
    }
  } finally {
    closeSync(fd);
  }
}

function wholeOf(path: string, fd: number): ReadStream {
  return createReadStream(path, { fd });
}

/** What a file has beyond what was read of it before. */
function* restOf(fd: number): Generator<Buffer> {
  for (;;) {
    // A new buffer each time: the one before may not be written yet.
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    const length = readSync(fd, buffer);
    if (length === 0) return;
    yield buffer.subarray(0, length);
  }
}

/** A log that is damaged, or not for us to read, is nobody's bug. */
async function readable(path: string, read: () => Promise<unknown>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') throw error;
    throw new ExitError(EXIT.io, `mirror: ${path}: ${(error as Error).message}`);
  }
}

/**
 * Writes a log to stdout: to a pipe or file as it is, to a terminal with all that could drive it written out (`\\x1b`). Names
 * of an upstream's files are in it as tools print them.
 */
async function print(text: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
  const decoder = process.stdout.isTTY ? new StringDecoder('utf8') : null;
  for await (const chunk of text) {
    const out = decoder === null ? (chunk as Buffer) : escapeUnsafe(decoder.write(chunk as Buffer));
    if (!process.stdout.write(out)) await once(process.stdout, 'drain');
  }
}
