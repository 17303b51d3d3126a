import type { Job } from '../job/job.js';
import type { Schedule } from '../job/schedule.js';
import { nextSlot } from '../job/slots.js';
import { formatDuration } from '../model/duration.js';
import { argvChanges, free } from './commands.js';
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
const TOLD = /^(format|id|schedule|prefix)(\.|$)/;
/** The same within a step: its argv is shown, and these are what the executor makes of it. */
const TOLD_OF_STEP = /^(argv|kind|always|tool|delete_limit|dry_run|undo)(\.|$)/;
const SECONDS =
  /(^|\.|: )(max_runtime|min_gap|keep_deleted|delay|max_delay|timeout|full_every|max_age|stall)$|^log\.keep\.(ok|failed|unchanged)$/;

/** Every other value that differs, by its path in the job; those of a source or a step by its name. */
function valueChanges(before: Job, after: Job): ValueChange[] {
  const [old, now] = [values(before), values(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => old.get(key) !== now.get(key))
    .map((key) => ({ key, before: text(key, old.get(key)), after: text(key, now.get(key)) }));
}

function values({ attempts, ...rest }: Job): Map<string, Leaf> {
  const found = new Map(leaves(rest, '').filter(([key]) => !TOLD.test(key)));
  attempts.forEach(({ src, steps }, index) => {
    const source = index === 0 ? '' : `source ${String(index + 1)}: `;
    found.set(`${source}src`, src);
    const names = new Set<string>();
    for (const step of steps) {
      const name = free(names, source + step.kind);
      names.add(name);
      for (const [key, leaf] of leaves(step, ''))
        if (!TOLD_OF_STEP.test(key)) found.set(`${name}: ${key}`, leaf);
    }
  });
  return found;
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
