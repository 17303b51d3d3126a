import { closeSync, fstatSync } from 'node:fs';
import { openFileBelow } from '../../boundary/regular-file.js';
import { readOpened } from '../../boundary/small-file.js';
import type { CheckFreshnessStep, FreshnessFormat } from '../../job/step.js';
import type { Level } from '../console.js';
import { localTimes } from '../local-time.js';
import { GO_ON } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';

/** Upstream's marker is small; a larger file is something else. */
const LIMIT_BYTES = 1 << 20;

/**
 * Reads upstream's own time. A file that is missing or says no time is said in the log and changes nothing: the run has
 * synced what upstream has. A time before the one known is upstream going backwards.
 */
export function checkFreshness(turn: Turn, step: CheckFreshnessStep): StepEnd {
  const { job, layout } = turn.session;
  const { session } = turn;
  const known = step.monotonic ? (session.state.freshness?.newest ?? null) : null;
  const time = readTime(step.path, step.format, [job.dst, layout.workDirectory(job.id)]);
  const note = (level: Level, words: string): void =>
    turn.log.note(level, localTimes(words, session.job.timezone));
  if (time === null) {
    note('WARNING', `no ${step.format} time in ${step.path}: how fresh upstream is cannot be told`);
    return GO_ON;
  }
  if (known !== null && time < known) {
    const words = `upstream went backwards: its time is ${iso(time)}, and was ${iso(known)}`;
    note('WARNING', words);
    // The next source, or a later try, may be newer.
    if (step.refuse)
      return { outcome: { kind: 'failed', failure: 'unavailable', reason: words }, done: true };
  } else note('INFO', `upstream's time is ${iso(time)}`);
  if (step.refuse) return GO_ON;
  const freshness = { time, newest: Math.max(time, known ?? time), max_age: step.max_age };
  return { ...GO_ON, facts: { freshness } };
}

/**
 * The time that a file tells, in epoch milliseconds, or null. Upstream chose what lies there: only a regular file below
 * `directories` is read, which its links may lead to.
 */
function readTime(path: string, format: FreshnessFormat, directories: readonly string[]): number | null {
  try {
    const fd = openFileBelow(path, directories);
    try {
      if (format === 'mtime') return Math.floor(fstatSync(fd).mtimeMs);
      return parseTime(readOpened(fd, path, LIMIT_BYTES).toString('utf8'), format);
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}

/**
 * The time in a marker's text, in epoch milliseconds, or null. `epoch`: seconds, alone on the first line (Arch's
 * lastsync). `date`: the first line, as date(1) or RFC 5322 write it. `trace`: Debian's project/trace, a `Date:` field or
 * the first line. `release`: the `Date:` field of an apt Release or InRelease file.
 */
export function parseTime(text: string, format: Exclude<FreshnessFormat, 'mtime'>): number | null {
  const first = (text.split('\n', 1)[0] ?? '').trim();
  const field = /^Date:[ \t]*(.+)$/m.exec(text)?.[1]?.trim();
  switch (format) {
    case 'epoch':
      return /^\d{1,12}(\.\d+)?$/.test(first) ? Math.floor(Number(first) * 1000) : null;
    case 'date':
      return parseDate(first);
    case 'trace':
      return parseDate(field ?? first);
    case 'release':
      return field === undefined ? null : parseDate(field);
  }
}

/** Dates that say no zone are UTC; that is what mirrors write. */
function parseDate(text: string): number | null {
  const zoned = /(Z|UTC|GMT|[+-]\d{2}:?\d{2})\b/i.test(text) ? text : `${text} UTC`;
  const time = Date.parse(zoned);
  return Number.isNaN(time) ? null : time;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
