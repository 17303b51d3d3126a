import { closeSync, fstatSync } from 'node:fs';
import { openFileBelow } from '../../boundary/regular-file.js';
import { readOpened } from '../../boundary/small-file.js';
import type { CheckFreshnessStep, FreshnessFormat } from '../../job/step.js';
import type { Level } from '../console.js';
import { parseTime } from './marker-time.js';
import { localTimes } from '../local-time.js';
import type { Freshness } from '../../state/package-state.js';
import { GO_ON } from '../steps.js';
import type { StepEnd, Turn } from '../steps.js';

/** Upstream's marker is small; a larger file is something else. */
const LIMIT_BYTES = 1 << 20;

/**
 * Reads upstream's own time. A file that is missing or says no time is said in the log, and what it said last still counts:
 * the run has synced what upstream has, but nothing says that this is new. A time before the one known is upstream going
 * backwards. `sofar` is what the markers before this one told in this run.
 */
export function checkFreshness(turn: Turn, step: CheckFreshnessStep, sofar: Freshness | undefined): StepEnd {
  const { session } = turn;
  const { job, layout } = session;
  const before = knownOf(session.state.freshness, step.marker);
  const newest = step.monotonic ? (before?.newest ?? null) : null;
  const time = readTime(step.path, step.format, [job.dst, layout.workDirectory(job.id)]);
  const note = (level: Level, words: string): void =>
    turn.log.note(level, localTimes(words, session.job.timezone));
  if (time === null) {
    note('WARNING', `no ${step.format} time in ${step.path}: how fresh upstream is cannot be told`);
    if (step.refuse || before === null) return GO_ON;
    note('WARNING', `its time is taken to be the one known, ${iso(before.time)}`);
    return told(step, { ...before, max_age: step.max_age }, sofar);
  }
  if (newest !== null && time < newest) {
    const words = `upstream went backwards: its time is ${iso(time)}, and was ${iso(newest)}`;
    note('WARNING', words);
    // The next source, or a later try, may be newer.
    if (step.refuse)
      return { outcome: { kind: 'failed', failure: 'unavailable', reason: words }, done: true };
  } else note('INFO', `upstream's time is ${iso(time)}`);
  if (step.refuse) return GO_ON;
  return told(step, { time, newest: Math.max(time, newest ?? time), max_age: step.max_age }, sofar);
}

type MarkerTime = Pick<Freshness, 'time' | 'newest' | 'max_age'>;

/** What a marker told in earlier runs. A package that had only one knew it by no name. */
function knownOf(freshness: Freshness | undefined, marker: string | undefined): MarkerTime | null {
  if (freshness === undefined) return null;
  if (marker === undefined || freshness.markers === undefined) return freshness;
  return freshness.markers[marker] ?? null;
}

/** The time of a package with this marker's: that of the marker which is longest out of date, or will be first. */
function told(step: CheckFreshnessStep, own: MarkerTime, sofar: Freshness | undefined): StepEnd {
  const { time, newest, max_age } = own;
  if (step.marker === undefined) return { ...GO_ON, facts: { freshness: { time, newest, max_age } } };
  const markers = { ...sofar?.markers, [step.marker]: { time, newest, max_age } };
  const worst = Object.values(markers).reduce((a, b) => (isOlder(b, a) ? b : a));
  return { ...GO_ON, facts: { freshness: { ...worst, markers } } };
}

function isOlder(a: MarkerTime, b: MarkerTime): boolean {
  const end = ({ time, max_age }: MarkerTime): number =>
    max_age === null ? Infinity : time + max_age * 1000;
  return end(a) === end(b) ? a.time < b.time : end(a) < end(b);
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

function iso(time: number): string {
  return new Date(time).toISOString();
}
