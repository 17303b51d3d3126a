import { escapeUnsafe } from '../job/plain-text.js';
import { zoneOffset } from '../job/zone.js';
import { shellText } from './commands.js';
import type { PackageChange, Pair, Plan, Refusal, ScheduleWords } from './plan.js';

export type Style = 'bold' | 'green' | 'red' | 'yellow' | 'cyan';

/** Colours a text for a terminal; the identity elsewhere. */
export type Paint = (style: Style, text: string) => string;

/** How a plan is shown. `zone` is the IANA zone of its times. */
export interface View {
  readonly paint: Paint;
  readonly zone: string;
}

const RUNES = { new: '+', changed: '~', removed: '-' } as const;
const STYLES = { new: 'green', changed: 'yellow', removed: 'red' } as const;

/** What becomes of each package, in words. */
export function renderPackages(plan: Pick<Plan, 'packages'>, view: View): string {
  return plan.packages.map((change) => renderPackage(change, view)).join('');
}

/** Unified diffs in colour. */
export function renderPatches(patches: readonly string[], { paint }: View): string {
  const line = (text: string): string => {
    if (/^(---|\+\+\+|#) /.test(text)) return paint('bold', text);
    if (text.startsWith('@@')) return paint('cyan', text);
    return text.startsWith('+') ? paint('green', text) : text.startsWith('-') ? paint('red', text) : text;
  };
  return patches.map((patch) => escapeUnsafe(patch).split('\n').map(line).join('\n')).join('');
}

/** Reasons not to apply, with what helps. */
export function renderRefusals(refusals: readonly Refusal[], { paint }: View): string {
  return refusals
    .map(({ code, message, help }) => {
      const title = paint('red', `error[${code}]:`);
      return `${title} ${escapeUnsafe(message)}\n  help: ${escapeUnsafe(help)}\n`;
    })
    .join('');
}

/** What a person should know. */
export function renderWarnings(plan: Pick<Plan, 'warnings'>, { paint }: View): string {
  const warning = paint('yellow', 'warning:');
  return plan.warnings.map((line) => `${warning} ${escapeUnsafe(line)}\n`).join('');
}

/** `Plan: 1 to add, 2 to change, 0 to remove; 9 files to write, 0 to delete.`, or the same as done. */
export function summary(plan: Pick<Plan, 'packages' | 'changes'>, isDone = false): string {
  const count = (kind: PackageChange['kind']): string =>
    String(plan.packages.filter((change) => change.kind === kind).length);
  const deleted = plan.changes.filter((change) => !('after' in change) || change.after === null).length;
  const written = String(plan.changes.length - deleted);
  return isDone
    ? `Applied: ${count('new')} added, ${count('changed')} changed, ${count('removed')} removed; ${written} files written, ${String(deleted)} deleted.`
    : `Plan: ${count('new')} to add, ${count('changed')} to change, ${count('removed')} to remove; ${written} files to write, ${String(deleted)} to delete.`;
}

function renderPackage(change: PackageChange, view: View): string {
  const { paint } = view;
  const from = change.renamedFrom === null ? '' : ` (was ${change.renamedFrom})`;
  const title = paint(STYLES[change.kind], escapeUnsafe(`${RUNES[change.kind]} ${change.id}${from}`));
  // A package that goes away needs no more words than that.
  const lines = change.kind === 'removed' ? [] : details(change, view);
  return `${[title, ...lines.map((line) => `    ${line}`)].join('\n')}\n`;
}

function details(change: PackageChange, view: View): string[] {
  const schedule = change.schedule
    ? pair('schedule', change.schedule, (words) => scheduleLine(words, view), view)
    : [];
  const argv = change.argv.flatMap((command) => pair(command.step, command, shellText, view));
  const values = change.values.map(({ key, before, after }) =>
    escapeUnsafe(`${key}: ${before ?? 'none'} → ${after ?? 'none'}`),
  );
  const notes = change.notes.map((note) => escapeUnsafe(note));
  const all = [...notes, ...schedule, ...argv, ...values];
  return all.length > 0 ? all : ['its files change, what it does stays the same'];
}

function pair<T>(
  label: string,
  { before, after }: Pair<T>,
  text: (value: T) => string,
  { paint }: View,
): string[] {
  // Before it is coloured: outside text must not bring colours of its own, one of which hides it.
  const shown = (value: T): string => escapeUnsafe(text(value));
  if (before === null) return after === null ? [] : [`${label}: ${shown(after)}`];
  const now = after === null ? [] : [`  ${paint('green', `+ ${shown(after)}`)}`];
  return [`${label}:`, `  ${paint('red', `- ${shown(before)}`)}`, ...now];
}

function scheduleLine({ text, next }: ScheduleWords, { zone }: View): string {
  return next.length === 0 ? text : `${text}; next ${next.map((at) => wallClock(at, zone)).join(', ')}`;
}

function wallClock(at: number, zone: string): string {
  return new Date(at + zoneOffset(zone, at)).toISOString().slice(0, 16).replace('T', ' ');
}
