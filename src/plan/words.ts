import type { Job } from '../job/job.js';
import type { Schedule } from '../job/schedule.js';
import { nextSlot } from '../job/slots.js';
import { formatDuration } from '../model/duration.js';
import { argvChanges } from './commands.js';
import type { PackageChange, ScheduleWords, ValueChange } from './plan.js';
import { scheduleText } from './schedule-text.js';

/**
 * What becomes of a package, in words: from its job as applied and as compiled now. `at` (epoch ms) is when the next
 * slots are counted from.
 */
export function packageChange(
  id: string,
  before: Job | null,
  after: Job | null,
  kind: PackageChange['kind'],
  at: number,
): Omit<PackageChange, 'notes' | 'renamedFrom'> {
  const same = JSON.stringify(before?.schedule) === JSON.stringify(after?.schedule);
  return {
    id,
    kind,
    schedule: same ? null : { before: scheduleWords(before, at), after: scheduleWords(after, at) },
    argv: argvChanges(before, after),
    values: before && after ? valueChanges(before, after) : [],
  };
}

function scheduleWords(job: Job | null, at: number): ScheduleWords | null {
  return job && { text: scheduleText(job.schedule), next: nextTwo(job.schedule, at) };
}

function nextTwo(schedule: Schedule, at: number): number[] {
  const first = nextSlot(schedule, at);
  if (first === null) return [];
  const second = nextSlot(schedule, first);
  return second === null ? [first] : [first, second];
}

/** Keys that are told in words of their own, or that say nothing to a person. */
const TOLD =
  /^(format|id|schedule|attempts\.\d+\.steps\.\d+\.(argv|kind|always|tool|delete_limit)|prefix)(\.|$)/;
const SECONDS =
  /(^|\.)(max_runtime|min_gap|delay|max_delay|timeout|full_every)$|^log\.keep\.(ok|failed|unchanged)$/;

/** Every other value that differs, by its path in the job. */
function valueChanges(before: Job, after: Job): ValueChange[] {
  const [old, now] = [new Map(leaves(before, '')), new Map(leaves(after, ''))];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => !TOLD.test(key) && old.get(key) !== now.get(key))
    .map((key) => ({ key, before: text(key, old.get(key)), after: text(key, now.get(key)) }));
}

type Leaf = string | number | boolean | null;

function leaves(value: unknown, path: string): [string, Leaf][] {
  if (typeof value !== 'object' || value === null) return [[path, value as Leaf]];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, path === '' ? key : `${path}.${key}`));
}

function text(key: string, value: Leaf | undefined): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'number' && SECONDS.test(key) ? formatDuration(value) : String(value);
}
